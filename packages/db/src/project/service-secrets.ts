import type { ProjectSecrets, ServiceSecretName } from '../platform/project-secrets.ts'

/** What members gave a project's services to keep: the SMTP password, what hooks are signed with … */
export interface ServiceSecrets {
  find(name: ServiceSecretName): string | undefined
}

/** A function and not an object of texts, so that nothing that is logged with a scope has them. */
export function toServiceSecrets(secrets: ProjectSecrets): ServiceSecrets {
  return { find: (name) => secrets[name] }
}
