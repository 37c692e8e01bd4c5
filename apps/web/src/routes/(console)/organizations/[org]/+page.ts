import type { PageLoad } from './$types'

export const load: PageLoad = async ({ parent }) => {
  const { organization } = await parent()
  void organization.members.ask()
  void organization.invitations.ask()
  return { members: organization.members, invitations: organization.invitations }
}
