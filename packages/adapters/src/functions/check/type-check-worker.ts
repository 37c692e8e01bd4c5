// The thread that checks types: what is written in an editor must not keep the server from answering.
import { parentPort, workerData } from 'node:worker_threads'
import type { FunctionSource } from '@polder/core'
import { checkTypes } from './check-types.ts'

const { denoTypes } = workerData as { denoTypes: string }

parentPort?.on('message', ({ id, source }: { id: number; source: FunctionSource }) => {
  let problems: ReturnType<typeof checkTypes> = []
  try {
    problems = checkTypes(source, denoTypes)
  } catch {
    // The checker itself stumbled: that is no fault of the function's.
  }
  parentPort?.postMessage({ id, problems })
})
