const PRELOAD = /\s*<link href="([^"]+)" rel="modulepreload">/g
const START = /import\(("[^"]+\/entry\/start\.[^"]+")\)/

/**
 * A page that the server has drawn is shown before its scripts are fetched, compiled and run: they would hold up the first paint.
 * Takes the page as SvelteKit writes it; one in another form, or one that scripts have to draw, comes back as it was.
 */
export function runScriptsAfterPaint(html: string): string {
  if (!html.includes('data-sveltekit-fetched') || !START.test(html)) return html
  const modules: string[] = []
  const withoutPreloads = html.replace(PRELOAD, (_, href: string) => (modules.push(href), ''))
  return withoutPreloads.replace(
    START,
    // A tab in the background paints nothing until it is looked at: it does not wait for that.
    (_, start: string) => `new Promise((shown) => {
						requestAnimationFrame(() => setTimeout(shown));
						setTimeout(shown, 500);
					}).then(() => {
						for (const href of ${JSON.stringify(modules)}) document.head.append(Object.assign(document.createElement('link'), { rel: 'modulepreload', href }));
						return import(${start});
					})`,
  )
}
