import type { RestSettings } from '@polder/core'
import type { Prepared } from './prepare.ts'
import type { ApiSchema } from './schema/schema.ts'

/** Prepared requests by their shape; those of an outdated schema or of other settings go with them. */
export interface PlanCache {
  find(schema: ApiSchema, settings: RestSettings, key: string): Prepared | undefined
  add(schema: ApiSchema, settings: RestSettings, key: string, prepared: Prepared): void
}

interface Plans {
  settings: RestSettings
  byKey: Map<string, Prepared>
}

export function createPlanCache(maxPlans: number): PlanCache {
  const bySchema = new WeakMap<ApiSchema, Plans>()
  return {
    find(schema, settings, key) {
      const plans = bySchema.get(schema)
      return plans?.settings === settings ? plans.byKey.get(key) : undefined
    },
    add(schema, settings, key, prepared) {
      let plans = bySchema.get(schema)
      if (plans?.settings !== settings) {
        plans = { settings, byKey: new Map() }
        bySchema.set(schema, plans)
      }
      // The plan made longest ago goes; one in use is made again at its next request.
      if (plans.byKey.size >= maxPlans) {
        const oldest = plans.byKey.keys().next().value
        if (oldest !== undefined) plans.byKey.delete(oldest)
      }
      plans.byKey.set(key, prepared)
    },
  }
}
