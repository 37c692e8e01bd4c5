import { createHash } from 'node:crypto'
import {
  findSecretNameFault,
  isServiceError,
  ServiceError,
  type DeployedFunction,
  type DeployFunction,
  type EdgeFunction,
  type FunctionLogLine,
  type FunctionSecret,
  type FunctionSource,
  type FunctionVersion,
  type Invocation,
  type ListedFunction,
  type ListInvocations,
  type ProjectRef,
  type SetSecrets,
} from '@polder/core'
import type { ProjectScope } from '@polder/db'
import { bundleFunction, type BundleProblem } from './bundle/bundle-function.ts'
import { deployVersion, type InTransaction } from './deploy-function.ts'
import { createFunctionSchedules } from './function-schedules.ts'
import { openFunctionParts, type FunctionsAdapterOptions } from './function-parts.ts'
import {
  deleteFunction,
  hasFunctions,
  selectFunction,
  selectFunctions,
  selectVersions,
  updateServingVersion,
  updateVerifyJwt,
} from './queries/functions.ts'
import { selectHourlyCounts, selectInvocations } from './queries/invocations.ts'
import { countSecrets, deleteSecrets, selectSecrets, upsertSecrets } from './queries/secrets.ts'
import type { FunctionCall } from './runtime/call-function.ts'
import type { RuntimeProject } from './runtime/function-runtime.ts'

export type FunctionsAdapter = ReturnType<typeof createFunctionsAdapter>

const MAX_SECRETS = 100
const HOUR_MS = 3_600_000
/** Hours that lists show. */
const LISTED_HOURS = 24

/** What can be done with a project's functions. `also` joins the transaction that makes a change, for its audit entry. */
export function createFunctionsAdapter(options: FunctionsAdapterOptions) {
  const parts = openFunctionParts(options)
  const { platform, box, files, registry, runtime, pool, logs, invocations } = parts

  /** Deploys of one project follow each other: each takes the next number. */
  const deploying = new Map<string, Promise<unknown>>()

  async function inTurn<Result>(ref: string, work: () => Promise<Result>): Promise<Result> {
    const turn = (deploying.get(ref) ?? Promise.resolve()).catch(() => {}).then(work)
    deploying.set(ref, turn)
    try {
      return await turn
    } finally {
      if (deploying.get(ref) === turn) deploying.delete(ref)
    }
  }

  /** Makes a change that every process hears of when it is committed, and this one at once. */
  async function change<Result>(ref: ProjectRef, work: (tx: typeof platform) => Promise<Result>, also?: InTransaction): Promise<Result> {
    const result = await platform.transaction().execute(async (tx) => {
      const done = await work(tx)
      await also?.(tx)
      await parts.announce(tx, ref)
      return done
    })
    registry.forget(ref)
    runtime.retire(ref)
    return result
  }

  async function getFunction(project: ProjectScope, name: string): Promise<EdgeFunction> {
    const found = await selectFunction(platform, project.ref, name)
    if (found === undefined) throw new ServiceError('functions.not_found')
    return found
  }

  return {
    /** Calls a function; its answer goes to the call's sink. Throws `functions.not_found` and what `callFunction` throws. */
    async invokeFunction(project: ProjectScope, name: string, call: FunctionCall): Promise<void> {
      await runtime.call(toRuntimeProject(project), await registry.get(project.ref, name), call)
    },

    /** The function as it serves; answered from memory. Throws `functions.not_found`. */
    getServing: (project: ProjectScope, name: string): Promise<EdgeFunction> => registry.get(project.ref, name),

    deployFunction(
      project: ProjectScope,
      input: DeployFunction & { deployedBy: string | null },
      also?: InTransaction,
    ): Promise<DeployedFunction> {
      const deployParts = { ...parts, forget: (ref: ProjectRef) => registry.forget(ref), failPoint: options.failPoint }
      return inTurn(project.ref, () => deployVersion(deployParts, toRuntimeProject(project), input, also))
    },

    /** What is wrong with files that are to become a function: what bundling shows, else what their types show. Throws `functions.source_…`. */
    async checkSource(source: FunctionSource): Promise<{ problems: BundleProblem[] }> {
      try {
        await bundleFunction(source, parts)
        return { problems: await parts.types.check(source) }
      } catch (error) {
        const problems = isServiceError(error, 'functions.bundle_failed')
          ? (error.details as { problems?: BundleProblem[] } | undefined)?.problems
          : undefined
        if (problems === undefined) throw error
        return { problems }
      }
    },

    getFunction,

    async listFunctions(project: ProjectScope): Promise<ListedFunction[]> {
      await invocations.flush()
      const first = new Date(Math.floor(Date.now() / HOUR_MS) * HOUR_MS - (LISTED_HOURS - 1) * HOUR_MS)
      const [functions, counts] = await Promise.all([
        selectFunctions(platform, project.ref),
        selectHourlyCounts(platform, project.ref, first),
      ])
      const hours = Array.from({ length: LISTED_HOURS }, (_, at) => new Date(first.getTime() + at * HOUR_MS))
      return functions.map((each) => ({
        ...each,
        url: `${project.configuration.url}/functions/v1/${each.name}`,
        hours: hours.map((at) => {
          const found = counts.find((count) => count.name === each.name && count.at.getTime() === at.getTime())
          return { at, calls: found?.calls ?? 0, errors: found?.errors ?? 0 }
        }),
      }))
    },

    async deleteFunction(project: ProjectScope, name: string, also?: InTransaction): Promise<void> {
      const id = await change(project.ref, async (tx) => {
        const deleted = await deleteFunction(tx, project.ref, name)
        if (deleted === undefined) throw new ServiceError('functions.not_found')
        return deleted
      }, also) // prettier-ignore
      await files.deleteFunction(project.ref, id)
    },

    async setVerifyJwt(project: ProjectScope, name: string, verifyJwt: boolean, also?: InTransaction): Promise<EdgeFunction> {
      await change(project.ref, async (tx) => {
        if (!(await updateVerifyJwt(tx, project.ref, name, verifyJwt))) throw new ServiceError('functions.not_found')
      }, also) // prettier-ignore
      return getFunction(project, name)
    },

    async listVersions(project: ProjectScope, name: string): Promise<FunctionVersion[]> {
      await getFunction(project, name)
      return selectVersions(platform, project.ref, name)
    },

    /** The files of a version; of the one that serves when none is named. */
    async getSource(project: ProjectScope, name: string, version?: number): Promise<FunctionSource> {
      const { id, version: serving } = await getFunction(project, name)
      return files.readSource(project.ref, id, version ?? serving)
    },

    /** Lets an older version serve again, after it has been seen to start. */
    rollBack(project: ProjectScope, name: string, version: number, also?: InTransaction): Promise<EdgeFunction> {
      return inTurn(project.ref, async () => {
        const { id } = await getFunction(project, name)
        const bundle = await files.readBundle(project.ref, id, version)
        await using trial = await runtime.tryVersion(toRuntimeProject(project), { id, name, version }, bundle)
        await change(project.ref, async (tx) => {
          if (!(await updateServingVersion(tx, project.ref, name, version))) throw new ServiceError('functions.version_not_found')
        }, also) // prettier-ignore
        trial.adopt()
        return getFunction(project, name)
      })
    },

    listSecrets: (project: ProjectScope): Promise<FunctionSecret[]> => selectSecrets(platform, project.ref),

    /** Sets secrets, which functions read from their environment from the next call on. Throws `functions.secret_name_invalid` with the reason. */
    async setSecrets(project: ProjectScope, { secrets }: SetSecrets, also?: InTransaction): Promise<void> {
      for (const { name } of secrets) {
        const fault = findSecretNameFault(name)
        if (fault !== undefined)
          throw new ServiceError('functions.secret_name_invalid', { message: `${JSON.stringify(name.slice(0, 64))}: ${fault}` })
      }
      const last = new Map(secrets.map(({ name, value }) => [name, value]))
      const rows = [...last].map(([name, value]) => ({ name, value, digest: createHash('sha256').update(value).digest('hex') }))
      await change(project.ref, async (tx) => {
        await upsertSecrets(tx, box, project.ref, rows)
        if ((await countSecrets(tx, project.ref)) > MAX_SECRETS) throw new ServiceError('functions.limit_reached')
      }, also) // prettier-ignore
    },

    /** One secret by name: the way of the service-isolation guide. */
    setEnvVar(project: ProjectScope, name: string, value: string, also?: InTransaction): Promise<void> {
      return this.setSecrets(project, { secrets: [{ name, value }] }, also)
    },

    async deleteSecrets(project: ProjectScope, names: string[], also?: InTransaction): Promise<void> {
      await change(project.ref, (tx) => deleteSecrets(tx, project.ref, names), also)
    },

    async listInvocations(project: ProjectScope, input: ListInvocations): Promise<Invocation[]> {
      await invocations.flush()
      return selectInvocations(platform, { ref: project.ref, ...input })
    },

    listLogs: (
      project: ProjectScope,
      filter: { name?: string | undefined; after?: number | undefined; limit: number },
    ): FunctionLogLine[] => logs.list(project.ref, filter),

    watchLogs: (project: ProjectScope, signal: AbortSignal): AsyncIterableIterator<FunctionLogLine> => logs.watch(project.ref, signal),

    ...createFunctionSchedules(platform, getFunction),

    /** Refs of the projects that have a process just now. */
    listRunning: (): string[] => runtime.listRunning(),

    /** What keeps functions in on this machine. */
    describeRuntime: () => pool.describe(),

    /** Keeps processes waiting from now on if any project has functions. */
    async warmUp(): Promise<void> {
      if (await hasFunctions(platform)) pool.fill()
    },

    /** Something of the project changed elsewhere: what is known of it is read again. */
    forget(ref: string): void {
      registry.forget(ref)
      runtime.retire(ref)
    },

    /** Events may have been missed: nothing that is known is believed. */
    forgetAll(): void {
      registry.clear()
      for (const ref of runtime.listRunning()) runtime.retire(ref)
    },

    /** The project is gone. */
    release(ref: string): void {
      registry.forget(ref)
      runtime.stop(ref)
      logs.forget(ref)
    },

    async close(): Promise<void> {
      runtime.close()
      await pool.close()
      await invocations.close()
      await parts.agents.close()
      await parts.types.close()
    },
  }
}

function toRuntimeProject({ ref, configuration }: ProjectScope): RuntimeProject {
  return { ref, settings: configuration.functions }
}
