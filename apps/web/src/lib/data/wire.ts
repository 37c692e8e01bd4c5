import type * as core from '@polder/core'
import type { Output } from '@polder/sdk'

/** A core type as it arrives: dates are ISO texts, brands are gone. */
export type Wire<Value> = Value extends Date
  ? string
  : Value extends string
    ? [Exclude<keyof Value, keyof string>] extends [never]
      ? Value
      : string
    : Value extends readonly (infer Item)[]
      ? Wire<Item>[]
      : Value extends object
        ? { [Key in keyof Value]: Wire<Value[Key]> }
        : Value

export type Account = Wire<core.Account>
export type AccountSession = Wire<core.AccountSession>
export type AccessToken = Wire<core.AccessToken>
export type AuditEntry = Wire<core.AuditEntry>
export type Cluster = Wire<core.Cluster>
export type Installation = Output<'installation', 'get'>
export type Invitation = Wire<core.Invitation>
export type Member = Wire<core.Member>
export type Operation = Wire<core.Operation>
export type Organization = Wire<core.Organization>
export type Project = Wire<core.Project>
export type ProjectConnection = Wire<core.ProjectConnection>
export type RowPage = Wire<core.RowPage>
export type SqlResult = Wire<core.SqlResult>
export type SqlRun = Wire<core.SqlRun>
export type Table = Wire<core.Table>
export type Column = Table['columns'][number]
export type User = Wire<core.User>
export type MemberRole = core.MemberRole
export type Permission = core.Permission
