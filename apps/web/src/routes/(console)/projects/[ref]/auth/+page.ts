import type { PageLoad } from './$types'

export const load: PageLoad = async ({ parent, url }) => {
  const { project } = await parent()
  const page = Math.max(1, Math.min(100_000, Math.floor(Number(url.searchParams.get('page')) || 1)))
  const search = (url.searchParams.get('search') ?? '').slice(0, 254)
  const perPage = 50
  const users = project.users({ page, perPage, search: search || undefined })
  void users.ask()
  return { users, search, pageNumber: page, perPage }
}
