import { errorEntries } from '../errors/entry.ts'

export const PROJECT_ERRORS = errorEntries({
  'project.not_found': { kind: 'not_found', sentence: 'There is no such project.' },
  'project.name_mismatch': { kind: 'invalid_input', sentence: 'The name typed is not the name of the project.' },
  'project.not_active': { kind: 'unavailable', sentence: 'The project is not active.' },
  'project.busy': { kind: 'conflict', sentence: 'Another operation is running on this project.' },
  'project.first_user_taken': { kind: 'not_found', sentence: 'The first password was retrieved already.' },
  'project.secret_not_found': { kind: 'not_found', sentence: 'The project has no secret of this name.' },
  'project.secret_unreadable': { kind: 'internal', sentence: 'A secret of the project cannot be decrypted; is this the right master key?' },
  'project.provisioning_failed': { kind: 'internal', sentence: 'The project could not be created; everything was undone.' },
  'project.cluster_not_found': { kind: 'not_found', sentence: 'There is no such cluster, or it takes no new projects.' },
  'project.connections_exhausted': { kind: 'unavailable', sentence: 'All database connections are in use; try again in a moment.' },
  'project.limit_reached': { kind: 'conflict', sentence: 'The installation takes no more projects.' },
  'operation.not_found': { kind: 'not_found', sentence: 'There is no such operation.' },
  'operation.not_retryable': { kind: 'conflict', sentence: 'This operation cannot be tried again.' },
})
