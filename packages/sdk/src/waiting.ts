import type { Client, Input, Output, WaitOptions } from './client.ts'
import { SdkError, type SdkErrorCode } from './sdk-error.ts'
import type { Transport } from './transport.ts'

/** The server holds one call at most this long. */
const HELD_MS = 25_000

const PAUSE_MS = 250

type Operation = Output<'operations', 'wait'>

/** Waiting for operations, over as many calls as it takes. */
export function createWaiting(transport: Transport): Pick<Client, 'waitForOperation'> & Pick<Client['projects'], 'createAndWait'> {
  async function waitForOperation(operationId: string, options: WaitOptions = {}): Promise<Operation> {
    const { timeoutMs = Infinity, signal, onProgress } = options
    const deadline = performance.now() + timeoutMs
    for (;;) {
      const asked = performance.now()
      const held = Math.max(0, Math.min(HELD_MS, Math.floor(deadline - performance.now())))
      const operation = (await transport.call('operations.wait', { operationId, timeoutMs: held }, { signal })) as Operation
      onProgress?.(operation)
      if (operation.status === 'succeeded') return operation
      if (operation.status === 'failed') throw toFailure(operation)
      if (performance.now() >= deadline) {
        throw new SdkError('sdk.timeout', `The operation has not ended after ${timeoutMs} ms; it goes on.`, { details: { operation } })
      }
      // A server that does not hold the call must not be asked without pause.
      if (performance.now() - asked < PAUSE_MS) await new Promise((resolve) => setTimeout(resolve, PAUSE_MS))
    }
  }

  return {
    waitForOperation,
    async createAndWait(input: Input<'projects', 'create'>, options: WaitOptions = {}) {
      const { signal } = options
      const created = (await transport.call('projects.create', input, { signal })) as Output<'projects', 'create'>
      await waitForOperation(created.operation.id, options)
      return (await transport.call('projects.get', { projectRef: created.project.ref }, { signal })) as Output<'projects', 'get'>
    },
  }
}

function toFailure(operation: Operation): SdkError {
  const { code, message } = operation.error ?? { code: 'system.unexpected', message: 'The operation failed.' }
  return new SdkError(code as SdkErrorCode, message, { details: { operation } })
}
