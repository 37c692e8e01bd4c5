import { createClient, isSdkError, type Client } from '@polder/sdk'

/** The installation that POLDER_URL names, signed in with POLDER_TOKEN. */
export function openInstallation(): Client {
  const { POLDER_URL = 'http://localhost:8000', POLDER_TOKEN } = process.env
  if (!POLDER_TOKEN) {
    console.error('Set POLDER_TOKEN to an access token: in the dashboard, Account, Access tokens.')
    process.exit(1)
  }
  return createClient({ url: POLDER_URL, token: POLDER_TOKEN })
}

/** Says what went wrong in one line, and lets the script end with 1. */
export function reportFailure(error: unknown): void {
  const facts = isSdkError(error) ? ` (${[error.code, error.requestId && `request ${error.requestId}`].filter(Boolean).join(', ')})` : ''
  console.error(`${error instanceof Error ? error.message : String(error)}${facts}`)
  if (isSdkError(error) && error.details) console.error(JSON.stringify(error.details))
  process.exitCode = 1
}
