import type { Cluster, installationSchema } from '@polder/core'
import {
  hasAccounts,
  insertAuditEntry,
  selectClusters,
  selectIsSignUpOpen,
  toVersionText,
  toVersionWarning,
  updateIsSignUpOpen,
  type PlatformDatabase,
} from '@polder/db'
import type { z } from 'zod'
import type { Actor } from './actor.ts'

export interface InstallationOptions {
  platform: PlatformDatabase
  version: string
  /** Whether anybody may sign up as long as no administrator has decided. */
  isSignUpOpen?: boolean
}

export type Installation = ReturnType<typeof createInstallation>

/** The installation itself: who may sign up, and which clusters it has. */
export function createInstallation({ platform, version, isSignUpOpen = true }: InstallationOptions) {
  async function getInstallation(): Promise<z.infer<typeof installationSchema>> {
    const [hasFirst, isOpen] = await Promise.all([hasAccounts(platform), selectIsSignUpOpen(platform, isSignUpOpen)])
    return { version, needsFirstAccount: !hasFirst, isSignUpOpen: isOpen || !hasFirst }
  }

  return {
    getInstallation,

    /** Opens or closes sign-up. */
    async updateInstallation(actor: Actor, change: { isSignUpOpen: boolean }) {
      await platform.transaction().execute(async (tx) => {
        await updateIsSignUpOpen(tx, change.isSignUpOpen)
        await insertAuditEntry(tx, { actor, action: 'installation.update', details: change })
      })
      return getInstallation()
    },

    /** The servers that projects are placed on, with what their versions lack. */
    async listClusters(): Promise<Cluster[]> {
      const clusters = await selectClusters(platform)
      return clusters.map((cluster) => {
        const version = cluster.serverVersion === null ? null : Number(cluster.serverVersion)
        if (version === null) return { ...cluster, versionWarning: null }
        return { ...cluster, serverVersion: toVersionText(version), versionWarning: toVersionWarning(version) }
      })
    },
  }
}
