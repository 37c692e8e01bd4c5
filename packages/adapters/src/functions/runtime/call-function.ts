import type { IncomingHttpHeaders } from 'node:http'
import type { Readable } from 'node:stream'
import { ServiceError } from '@polder/core'
import type { Dispatcher } from 'undici'
import type { RunnableFunction } from './function-runtime.ts'
import type { ActiveCall, ProjectProcess } from './project-process.ts'

/** Where a function's answer goes, as it comes. */
export interface AnswerSink {
  begin(status: number, headers: IncomingHttpHeaders, statusText: string): void
  /** False asks to wait until `onDrain` calls back. */
  write(chunk: Buffer): boolean
  onDrain(resume: () => void): void
  end(): void
  /** The answer has begun and cannot be finished. */
  abort(): void
}

export interface FunctionCall {
  method: string
  /** What follows the function's name: path and query. */
  path: string
  headers: Record<string, string | string[]>
  body: Readable | Buffer | string | null
  requestId: string
  /** Aborted when the caller is gone. */
  signal: AbortSignal | undefined
  sink: AnswerSink
}

/** Made once: a stack for each call would cost more than the call. */
const OVER = new Error('The answer is not waited for any more.')

/**
 * Sends a call to a process that has loaded the function, and hands the answer on as it comes. Throws before the answer has begun:
 * `functions.busy`, `functions.timed_out`, `functions.crashed`, `functions.resource_limit`, `request.too_large`.
 */
export function callFunction(process: ProjectProcess, target: RunnableFunction, call: FunctionCall, isColdStart: boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    const { sink, signal } = call
    let controller: Dispatcher.DispatchController | undefined
    let hasBegun = false
    let isOver = false
    let status = 0

    const active: ActiveCall = {
      name: target.name,
      version: target.version,
      requestId: call.requestId,
      method: call.method,
      path: call.path,
      isColdStart,
      startedAt: new Date(),
      startedMs: performance.now(),
      cpuMs: 0,
      fail,
    }
    process.enter(active)
    const timer = setTimeout(() => {
      fail(new ServiceError('functions.timed_out'))
      void process.requireAlive()
    }, process.wallClockMs)
    const onGone = () => {
      finish(499, 'The caller went away.', resolve)
      giveUp()
    }
    if (signal?.aborted) return onGone()
    signal?.addEventListener('abort', onGone, { once: true })

    /** What a function is still doing goes on: only its answer is not waited for. */
    function giveUp(): void {
      controller?.abort(OVER)
    }

    function fail(error: ServiceError): void {
      const told = error.code === 'functions.timed_out' ? 504 : error.code === 'functions.resource_limit' ? 546 : error.status
      finish(hasBegun ? status : told, reasonOf(error), () => (hasBegun ? (sink.abort(), resolve()) : reject(error)))
      giveUp()
    }

    function finish(finalStatus: number, error: string | null, settle: () => void): void {
      if (isOver) return
      isOver = true
      clearTimeout(timer)
      signal?.removeEventListener('abort', onGone)
      process.leave(active, finalStatus, error)
      settle()
    }

    process.requests.dispatch(
      {
        path: `/${target.name}${call.path}`,
        method: call.method as Dispatcher.HttpMethod,
        headers: call.headers,
        body: limitBody(call.body, process.maxBodyBytes, fail),
      },
      {
        onRequestStart(started) {
          controller = started
          if (isOver) started.abort(OVER)
        },
        onResponseStart(_controller, statusCode, headers, statusText) {
          if (isOver || statusCode < 200) return
          process.noteProgress()
          hasBegun = true
          status = statusCode
          if (headers['x-relay-missing'] === 'true') return fail(new ServiceError('functions.crashed'))
          sink.begin(statusCode, headers, statusText ?? '')
        },
        onResponseData(responding, chunk) {
          if (isOver) return
          process.noteProgress()
          if (sink.write(chunk)) return
          responding.pause()
          sink.onDrain(() => responding.resume())
        },
        onResponseEnd() {
          finish(status, null, () => (sink.end(), resolve()))
        },
        onResponseError(_controller, cause) {
          // Why a process ended is known a moment later, when it is reported.
          setTimeout(() => fail(new ServiceError('functions.crashed', { cause })), 250)
        },
      },
    )
  })
}

function reasonOf(error: ServiceError): string {
  const reason = (error.details as { reason?: string } | undefined)?.reason
  return reason === undefined ? error.message : `${error.message} ${reason}`
}

/** The body, ended with an error when it is longer than it may be. */
function limitBody(body: FunctionCall['body'], maxBytes: number, fail: (error: ServiceError) => void): FunctionCall['body'] {
  const tooLarge = () => new ServiceError('request.too_large')
  if (body === null) return null
  if (typeof body === 'string' || Buffer.isBuffer(body)) {
    if (Buffer.byteLength(body) > maxBytes) queueMicrotask(() => fail(tooLarge()))
    return body
  }
  let length = 0
  body.on('data', (chunk: Buffer) => {
    length += chunk.length
    if (length > maxBytes) fail(tooLarge())
  })
  body.pause()
  return body
}
