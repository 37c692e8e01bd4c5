import type { AuthenticationFailed } from '../pool-manager.ts'
import type { Provisioner } from '../project/provisioner.ts'
import type { PlatformDatabase } from './platform-database.ts'
import { selectProjectSecrets } from './project-secrets.ts'
import type { SecretBox } from './secret-box.ts'

/**
 * The hook for a refused password: a login can change its own, so code of the project that captured a session could lock
 * us out. The login gets the stored password back. Where another process has stored a new one meanwhile, that is it.
 */
export function createPasswordRestorer(options: {
  platform: PlatformDatabase
  box: SecretBox
  provisioner: Pick<Provisioner, 'setPassword'>
}): AuthenticationFailed {
  return async (ref, login, refused) => {
    const secrets = await selectProjectSecrets(options.platform, options.box, ref)
    const stored = secrets[`${login}_password`]
    if (stored !== undefined && stored === refused) await options.provisioner.setPassword(ref, login, stored)
    return stored
  }
}
