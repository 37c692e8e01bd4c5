import { randomUUID } from 'node:crypto'
import { functionNameSchema, ServiceError, type DeployedFunction, type DeployFunction, type ProjectRef } from '@polder/core'
import type { PlatformDatabase } from '@polder/db'
import { bundleFunction } from './bundle/bundle-function.ts'
import type { NpmPackages } from './bundle/npm-packages.ts'
import type { RemoteModules } from './bundle/remote-modules.ts'
import type { FunctionFiles } from './function-files.ts'
import {
  countFunctions,
  deleteOldVersions,
  selectFunction,
  selectNextVersion,
  selectVersions,
  upsertServingVersion,
} from './queries/functions.ts'
import type { FunctionRuntime, RuntimeProject } from './runtime/function-runtime.ts'

export interface DeployParts {
  platform: PlatformDatabase
  files: FunctionFiles
  packages: NpmPackages
  remote: RemoteModules
  runtime: FunctionRuntime
  /** Tells every process, in the transaction that lets the version serve. */
  announce(tx: PlatformDatabase, ref: ProjectRef): Promise<void>
  /** This process knows it at once. */
  forget(ref: ProjectRef): void
  /** For tests of what happens when a deploy is interrupted. */
  failPoint?: ((step: DeployStep) => void) | undefined
}

export type DeployStep = 'bundled' | 'saved' | 'booted' | 'written' | 'flipped' | 'adopted'

export const MAX_FUNCTIONS = 200
const KEPT_VERSIONS = 20

/** Further things that belong in the transaction, such as the audit entry. */
export type InTransaction = (tx: PlatformDatabase) => Promise<void>

/**
 * Bundles, keeps, starts and then lets serve a new version. Until the last step the old one serves, and whatever fails before it
 * changes nothing. Throws `functions.source_…`, `functions.bundle_failed`, `functions.boot_failed`, `functions.limit_reached`.
 */
export async function deployVersion(
  parts: DeployParts,
  project: RuntimeProject,
  input: DeployFunction & { deployedBy: string | null },
  also?: InTransaction,
): Promise<DeployedFunction> {
  const { platform, files, runtime, failPoint } = parts
  const { ref } = project
  const { name, source } = input
  if (!functionNameSchema.safeParse(name).success) throw new ServiceError('functions.name_invalid')
  const started = performance.now()
  const [bundle, next, current] = await Promise.all([
    bundleFunction(source, parts),
    selectNextVersion(platform, ref, name),
    selectFunction(platform, ref, name),
  ])
  if (current === undefined && (await countFunctions(platform, ref)) >= MAX_FUNCTIONS) throw new ServiceError('functions.limit_reached')
  const bundleMs = Math.round(performance.now() - started)
  failPoint?.('bundled')
  const target = { id: next.id ?? randomUUID(), name, version: next.version }
  let isServing = false
  try {
    await files.save(ref, target.id, target.version, source, bundle.code)
    failPoint?.('saved')
    await using trial = await runtime.tryVersion(project, target, bundle.code)
    failPoint?.('booted')
    const bootMs = Math.round(trial.bootMs)
    await platform.transaction().execute(async (tx) => {
      await upsertServingVersion(
        tx,
        { ...target, ref, verifyJwt: input.verifyJwt ?? current?.verifyJwt ?? true },
        {
          entrypoint: source.entrypoint,
          importMap: bundle.importMap,
          digest: bundle.digest,
          sourceBytes: bundle.sourceBytes,
          bundleBytes: bundle.code.length,
          bundleMs,
          bootMs,
          message: input.message ?? null,
          deployedBy: input.deployedBy,
        },
      )
      await also?.(tx)
      await parts.announce(tx, ref)
      failPoint?.('written')
    })
    isServing = true
    failPoint?.('flipped')
    parts.forget(ref)
    trial.adopt()
    failPoint?.('adopted')
    const serving = await selectFunction(platform, ref, name)
    if (serving === undefined) throw new ServiceError('functions.not_found')
    void sweep(parts, ref, target.id, name).catch(() => {})
    return { ...serving, bundleMs, bootMs, warnings: bundle.warnings }
  } catch (error) {
    if (!isServing) await files.deleteVersion(ref, target.id, target.version)
    throw error
  }
}

/** Removes versions that are too many, and files that an interrupted deploy left. */
async function sweep({ platform, files }: DeployParts, ref: string, id: string, name: string): Promise<void> {
  for (const version of await deleteOldVersions(platform, id, KEPT_VERSIONS)) await files.deleteVersion(ref, id, version)
  const known = new Set((await selectVersions(platform, ref, name)).map(({ version }) => version))
  const newest = Math.max(0, ...known)
  // One that is newer than all may be of a deploy that runs just now.
  for (const version of await files.listVersions(ref, id))
    if (!known.has(version) && version < newest) await files.deleteVersion(ref, id, version)
}
