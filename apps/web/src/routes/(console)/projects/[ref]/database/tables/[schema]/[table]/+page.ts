import type { PageLoad } from './$types'

const PAGE_SIZES = [100, 500, 1000]

export const load: PageLoad = async ({ parent, params, url }) => {
  const { project } = await parent()
  void project.tables.ask()
  const limit = PAGE_SIZES.find((size) => String(size) === url.searchParams.get('limit')) ?? 100
  const page = Math.max(1, Math.min(1_000_000, Math.floor(Number(url.searchParams.get('page')) || 1)))
  const column = url.searchParams.get('sort')
  const input = {
    schema: params.schema,
    table: params.table,
    limit,
    offset: (page - 1) * limit,
    orderBy: column ? { column, descending: url.searchParams.has('descending') } : undefined,
  }
  const rows = project.rows(input)
  void rows.ask()
  return {
    tables: project.tables,
    rows,
    input,
    pageNumber: page,
    view: url.searchParams.get('view') === 'structure' ? ('structure' as const) : ('rows' as const),
  }
}
