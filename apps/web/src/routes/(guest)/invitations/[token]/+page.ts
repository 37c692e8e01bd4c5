import type { PageLoad } from './$types'

export const load: PageLoad = async ({ parent, params }) => {
  const { studio } = await parent()
  const preview = studio.cache.query(`invitation:${params.token}`, () =>
    studio.client.organizations.findInvitation({ token: params.token }),
  )
  // Whether someone is signed in decides what this page offers.
  await Promise.all([preview.ask(), studio.hasSession ? studio.account.ask() : undefined])
  return { preview, token: params.token }
}
