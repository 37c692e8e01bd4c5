import type { PageLoad } from './$types'

export const load: PageLoad = async ({ parent }) => {
  const { project } = await parent()
  void project.connection.ask()
  return { connection: project.connection, size: project.size, tables: project.tables, users: project.users({ page: 1, perPage: 1 }) }
}
