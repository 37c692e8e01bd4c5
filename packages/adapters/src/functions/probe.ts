import { createHash } from 'node:crypto'
import type { PlatformDatabase, ProjectScope, SecretBox } from '@polder/db'
import { selectSecrets, selectSecretValues, upsertSecrets } from './queries/secrets.ts'

/** For the isolation law: leaves a secret that is made from the seed with a project, and says whether a project has it. */
export const probe = {
  async write(project: ProjectScope, seed: string, { platform, box }: { platform: PlatformDatabase; box: SecretBox }): Promise<void> {
    await upsertSecrets(platform, box, project.ref, [{ name: toName(seed), value: seed, digest: toName(seed) }])
  },
  async sees(project: ProjectScope, seed: string, { platform, box }: { platform: PlatformDatabase; box: SecretBox }): Promise<boolean> {
    const listed = await selectSecrets(platform, project.ref)
    const values = await selectSecretValues(platform, box, project.ref)
    return listed.some(({ name }) => name === toName(seed)) || Object.values(values).includes(seed)
  },
}

function toName(seed: string): string {
  return `S${createHash('sha256').update(seed).digest('hex').slice(0, 40).toUpperCase()}`
}
