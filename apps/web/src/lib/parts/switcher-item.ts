/** One line of a switcher: where it leads, and what it is. */
export interface SwitcherItem {
  href: string
  label: string
  note?: string
  status?: string
}
