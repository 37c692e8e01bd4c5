import { errorEntries } from '../errors/entry.ts'

export const ORGANIZATION_ERRORS = errorEntries({
  'organization.not_found': { kind: 'not_found', sentence: 'There is no such organization.' },
  'organization.not_empty': { kind: 'conflict', sentence: 'The organization still has projects; delete or transfer them first.' },
  'organization.member_not_found': { kind: 'not_found', sentence: 'There is no such member.' },
  'organization.member_exists': { kind: 'conflict', sentence: 'This person is a member already.' },
  'organization.last_owner': { kind: 'conflict', sentence: 'An organization needs at least one owner.' },
  'organization.role_above_own': { kind: 'forbidden', sentence: 'Nobody can grant or change a role above their own.' },
  'organization.invitation_not_found': { kind: 'not_found', sentence: 'The invitation does not exist, has expired or was used.' },
  'organization.invitation_other_email': { kind: 'forbidden', sentence: 'The invitation is for another e-mail address.' },
})
