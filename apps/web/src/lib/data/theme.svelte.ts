import { browser } from '$app/env'

export type ThemeChoice = 'system' | 'light' | 'dark'

const STORAGE_KEY = 'polder.theme'

/** Light or dark; follows the system until a choice is made. app.html applies it before the first paint. */
export class Theme {
  choice = $state<ThemeChoice>(readChoice())
  #systemIsDark = $state(browser && matchMedia('(prefers-color-scheme: dark)').matches)

  constructor() {
    if (!browser) return
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', (event) => {
      this.#systemIsDark = event.matches
      this.#apply()
    })
  }

  get isDark(): boolean {
    return this.choice === 'dark' || (this.choice === 'system' && this.#systemIsDark)
  }

  choose(choice: ThemeChoice): void {
    this.choice = choice
    if (choice === 'system') localStorage.removeItem(STORAGE_KEY)
    else localStorage.setItem(STORAGE_KEY, choice)
    this.#apply()
  }

  toggle(): void {
    this.choose(this.isDark ? 'light' : 'dark')
  }

  #apply(): void {
    document.documentElement.classList.toggle('dark', this.isDark)
  }
}

function readChoice(): ThemeChoice {
  const stored = browser ? localStorage.getItem(STORAGE_KEY) : null
  return stored === 'light' || stored === 'dark' ? stored : 'system'
}
