import { SdkError } from './sdk-error.ts'
import type { CallOptions, Transport, WatchHandlers } from './transport.ts'
import { toProcedureType } from './verbs.ts'

type Methods = Record<string, unknown>

/** Every property that has no method of its own is a service, and every property of a service a procedure. */
export function bindServices(transport: Transport, own: Methods, ofService: Record<string, Methods>): unknown {
  return onDemand(own, (service) => onDemand(ofService[service] ?? {}, (name) => toMethod(transport, `${service}.${name}`, {})))
}

/** A project's services and, straight on it, the procedures of `projects`, all with its ref. */
export function bindProject(transport: Transport, ref: string): unknown {
  if (typeof ref !== 'string' || ref === '') throw new SdkError('request.invalid', 'A project is named by its ref.')
  const bound = { projectRef: ref }
  const own: Methods = { ref, connection: (options?: CallOptions) => transport.call('projects.getConnection', bound, options) }
  return onDemand(own, (name) => {
    // `project.rename(…)` is a procedure of projects, `project.auth.listUsers(…)` one of auth: which one shows at the next step.
    const services = new Map<string, unknown>()
    return new Proxy(toMethod(transport, `projects.${name}`, bound), {
      get: (_method, inner) =>
        isName(inner) ? remember(services, inner, () => toMethod(transport, `${name}.${inner}`, bound)) : undefined,
    })
  })
}

function toMethod(transport: Transport, path: string, bound: object) {
  const isSubscription = toProcedureType(path.slice(path.indexOf('.') + 1)) === 'subscription'
  return (input?: object, second?: CallOptions | WatchHandlers<unknown>): unknown => {
    const whole = { ...input, ...bound }
    if (isSubscription) return transport.watch(path, whole, second as WatchHandlers<unknown>)
    return transport.call(path, whole, second as CallOptions)
  }
}

/** An object whose properties are made when first asked for, and stay. */
function onDemand(own: Methods, make: (name: string) => unknown): unknown {
  const made = new Map<string, unknown>()
  return new Proxy(own, {
    get: (target, name) => {
      if (Object.hasOwn(target, name)) return target[name as string]
      return isName(name) ? remember(made, name, () => make(name)) : undefined
    },
  })
}

function remember(made: Map<string, unknown>, name: string, make: () => unknown): unknown {
  const known = made.get(name)
  if (known !== undefined) return known
  const value = make()
  made.set(name, value)
  return value
}

/** `await client` asks for `then`, and consoles for symbols and `toJSON`: none of these is a procedure. */
function isName(name: string | symbol): name is string {
  return typeof name === 'string' && /^[a-z][a-zA-Z]*$/.test(name) && !NOT_PROCEDURES.has(name)
}

const NOT_PROCEDURES = new Set([
  'then',
  'catch',
  'finally',
  'constructor',
  'prototype',
  'toString',
  'valueOf',
  'toJSON',
  'inspect',
  'length',
  'name',
  'apply',
  'call',
  'bind',
])
