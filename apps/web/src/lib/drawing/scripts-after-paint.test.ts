import { expect, test } from 'vitest'
import { runScriptsAfterPaint } from './scripts-after-paint.ts'

const page = (body: string) => `<head>
    <link href="./_app/immutable/entry/start.Cj7n-_cX.js" rel="modulepreload">
		<link href="./_app/immutable/chunks/DdSmeS5b.js" rel="modulepreload">
		<link href="./_app/immutable/assets/0.CHo3HJlg.css" rel="stylesheet">
  </head><body>${body}
				import("./_app/immutable/entry/start.Cj7n-_cX.js").then(async (kit) => {
						kit.init(__sveltekit_1);
						const app = await import("./_app/immutable/entry/app._K-G0hx3.js");
					});</body>`

test('the scripts of a drawn page are named after its first paint only', () => {
  const html = runScriptsAfterPaint(page('<script type="application/json" data-sveltekit-fetched data-url="/trpc/a">{}</script>'))
  expect(html).not.toContain('rel="modulepreload"')
  expect(html).toContain('for (const href of ["./_app/immutable/entry/start.Cj7n-_cX.js","./_app/immutable/chunks/DdSmeS5b.js"])')
  expect(html).toMatch(/requestAnimationFrame[^]*return import\("\.\/_app\/immutable\/entry\/start\.Cj7n-_cX\.js"\);\s*\}\)\.then\(async/)
  expect(html).toContain('rel="stylesheet"')
})

test('a page that scripts have to draw names them first', () => {
  const html = page('')
  expect(runScriptsAfterPaint(html)).toBe(html)
})
