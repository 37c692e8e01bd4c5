import type { Permission } from '../organization/permissions.ts'
import type { MemberRole } from '../organization/role.ts'
import type { ProjectRef } from './project-ref.ts'

/** The three roles that a request to a project's data can run as. */
export type DatabaseRole = 'anon' | 'authenticated' | 'service_role'

/** Whether the text names one of the three. */
export function isDatabaseRole(text: unknown): text is DatabaseRole {
  return text === 'anon' || text === 'authenticated' || text === 'service_role'
}

/** Claims of a verified project token (or those that an API key stands for), as policies see them in `auth.jwt()`. */
export interface ProjectClaims {
  role: DatabaseRole
  sub?: string
  session_id?: string
  exp?: number
  [claim: string]: unknown
}

/** Who asks, after the check. */
export type Caller = MemberCaller | AppCaller

/** A member of the project's organization, by dashboard, SDK or access token. */
export interface MemberCaller {
  kind: 'member'
  accountId: string
  role: MemberRole
  permission: Permission
}

/** An app: with an API key alone, or with the token of one of the project's users. */
export interface AppCaller {
  kind: 'app'
  role: DatabaseRole
  claims: ProjectClaims
  /** The claims as JSON text, made once: what `request.jwt.claims` is set to. */
  claimsJson: string
  /** Whether the claims come from a token in `Authorization` and not from the API key. */
  hasUserToken: boolean
}

declare const proof: unique symbol

/** Evidence that a caller may use a project. Only `ServiceRouter.validateProjectAccess` makes one. */
export interface ProjectAccess {
  readonly ref: ProjectRef
  readonly caller: Caller
  readonly [proof]: true
}

/** Who asks, before the check. */
export type AccessRequest =
  | {
      kind: 'member'
      accountId: string
      permission: Permission
      /** The scope of the access token that the request came with; absent for a session. */
      token?: { id: string; access: 'read' | 'write'; organizationId: string | null; projectRefs: readonly string[] | null }
    }
  | {
      /** An app that signs its request with a secret that it does not send, as S3 tools do. */
      kind: 'signed'
      accessKeyId: string
      /** The token of one of the project's users, for whom it is then. */
      sessionToken: string | undefined
      isSignedBy(secret: string): boolean
    }
  | {
      kind: 'app'
      /** From the `apikey` header or query parameter. */
      apiKey: string | undefined
      /** The whole `Authorization` header. */
      authorization: string | undefined
      /**
       * Absent for the usual door. `auth`, for the auth service alone: a token of Supabase's role `supabase_admin` is one of the
       * service role. `open`, for what browsers and other servers open by its address: without credentials one is `anon`. `rest`, for the
       * data API, whose settings say who is let in besides. `unchecked`, for what judges credentials itself: whoever has none that are the
       * project's is `anon`, by claims without `exp`.
       */
      door?: 'auth' | 'open' | 'rest' | 'unchecked'
    }
