import path from 'node:path'
import { PERMISSIONS } from '@polder/core'
import { describe, expect, test } from 'vitest'
import { ROOT } from './source-tree.ts'

interface Procedure {
  _def: { type: string; inputs: unknown[]; output?: unknown; meta?: { permission?: string } }
}

// Neither package exports this: it is nobody's business but the walls'.
const { appRouter } = await import(path.join(ROOT, 'apps/server/src/trpc/root.ts'))
const { toProcedureType } = await import(path.join(ROOT, 'packages/sdk/src/verbs.ts'))
const procedures = Object.entries(appRouter._def.procedures as Record<string, Procedure>)

describe('procedures', () => {
  test('are there, in two levels', () => {
    expect(procedures.length).toBeGreaterThan(30)
    expect(procedures.filter(([name]) => !/^[a-z][a-zA-Z]*\.[a-z][a-zA-Z]*$/.test(name))).toEqual([])
  })

  test.each(procedures)('%s is called by the SDK as what it is', (name, { _def }) => {
    expect(toProcedureType(name.split('.')[1] ?? '')).toBe(_def.type)
  })

  test.each(procedures)('%s says who may call it, what it takes and what it gives', (_name, { _def }) => {
    const permissions = ['public', 'account', 'administrator', ...Object.keys(PERMISSIONS)]
    expect(permissions).toContain(_def.meta?.permission)
    if (_def.type === 'mutation') expect(_def.inputs.length).toBeGreaterThan(0)
    if (_def.type !== 'subscription') expect(_def.output).toBeDefined()
  })
})
