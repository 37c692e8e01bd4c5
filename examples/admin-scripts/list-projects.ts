// Lists the projects that the token sees, with their sizes, the largest first.
//   node list-projects.ts [--json]
import { isSdkError, type Client, type Output } from '@polder/sdk'
import { openInstallation, reportFailure } from './open-installation.ts'

type Project = Output<'projects', 'list'>[number]

async function main(): Promise<void> {
  const polder = openInstallation()
  const [organizations, projects] = await Promise.all([polder.organizations.list(), polder.projects.list()])
  const names = new Map(organizations.map(({ id, name }) => [id, name]))
  const rows = await Promise.all(
    projects.map(async (project) => ({
      ref: project.ref,
      name: project.name,
      organization: names.get(project.organizationId) ?? '',
      status: project.status,
      created: project.createdAt.slice(0, 10),
      bytes: await findSize(polder, project),
    })),
  )
  rows.sort((a, b) => (b.bytes ?? -1) - (a.bytes ?? -1))
  if (process.argv.includes('--json')) return console.log(JSON.stringify(rows, null, 2))
  if (rows.length === 0) return console.log('There are no projects yet.')
  printTable(rows.map(({ bytes, ...row }) => ({ ...row, size: bytes === null ? '' : formatBytes(bytes) })))
}

/** Null while the project cannot be opened. */
async function findSize(polder: Client, { ref, status }: Project): Promise<number | null> {
  if (status !== 'active') return null
  try {
    return (await polder.project(ref).database.getSize()).bytes
  } catch (error) {
    // Deleted or paused since it was listed.
    if (isSdkError(error, 'project.not_found') || isSdkError(error, 'project.not_active')) return null
    throw error
  }
}

function printTable(rows: Record<string, string>[]): void {
  const columns = Object.keys(rows[0] ?? {})
  const widths = columns.map((column) => Math.max(column.length, ...rows.map((row) => row[column]?.length ?? 0)))
  const print = (cells: string[]) =>
    console.log(
      cells
        .map((cell, place) => cell.padEnd(widths[place] ?? 0))
        .join('  ')
        .trimEnd(),
    )
  print(columns)
  print(widths.map((width) => '-'.repeat(width)))
  for (const row of rows) print(columns.map((column) => row[column] ?? ''))
}

function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  const power = bytes === 0 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(bytes) / 3))
  return `${(bytes / 1000 ** power).toFixed(power === 0 ? 0 : 1)} ${units[power]}`
}

main().catch(reportFailure)
