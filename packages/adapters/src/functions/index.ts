export { createFunctionsAdapter, type FunctionsAdapter } from './adapter.ts'
export type { FunctionsAdapterOptions } from './function-parts.ts'
export type { DeployStep, InTransaction } from './deploy-function.ts'
export type { AnswerSink, FunctionCall } from './runtime/call-function.ts'
export { probe } from './probe.ts'
export { parseCron } from './cron.ts'
export {
  enqueueScheduleRun,
  insertScheduleRun,
  scheduledRunSchema,
  selectDueSchedules,
  updateNextRun,
  type DueSchedule,
  type ScheduledRun,
} from './queries/schedules.ts'
