import type { AuthAdapter, ListUsersInput } from '@polder/adapters/auth'
import { ServiceError } from '@polder/core'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { parseBanDuration } from './ban-duration.ts'
import { parseBody } from './body.ts'
import { findRedirect, getQueryText, toClientFacts } from './request-facts.ts'
import { toAuditJson, toLinkJson, toUserJson } from './wire.ts'

const PER_PAGE = 50
const MOST_PER_PAGE = 1000

/** What administrators do with users: GoTrue's `/admin`, for the service role alone. */
export function adminRoutes(app: FastifyInstance, auth: AuthAdapter): void {
  app.addHook('preHandler', async (request) => auth.requireAdmin(request.project))

  app.get('/admin/users', async (request, reply) => {
    const page = parsePage(request)
    const search = getQueryText(request, 'filter')
    const { users, total } = await auth.listUsers(request.project, { ...page, ...parseSort(request), search })
    setPageHeaders(reply, { path: '/admin/users', ...page, total, ...(search !== '' && { filter: search }) })
    return { users: users.map(toUserJson), aud: 'authenticated' }
  })

  app.post('/admin/users', async (request) => {
    const body = parseBody(request.body)
    const [id, passwordHash] = [body.text('id'), body.text('password_hash')]
    const fields = { ...parseUserFields(request), ...(id !== '' && { id }), ...(passwordHash !== '' && { passwordHash }) }
    return toUserJson(await auth.createUser(request.project, fields))
  })

  app.get('/admin/users/:userId', async (request) => toUserJson(await auth.getUserById(request.project, getUserId(request))))

  app.put('/admin/users/:userId', async (request) => {
    return toUserJson(await auth.updateUserById(request.project, getUserId(request), parseUserFields(request)))
  })

  app.delete('/admin/users/:userId', async (request) => {
    const hasBody = Buffer.isBuffer(request.body) && request.body.length > 0
    const isSoft = hasBody && parseBody(request.body).flag('should_soft_delete')
    await auth.deleteUser(request.project, { userId: getUserId(request), isSoft })
    return {}
  })

  app.post('/invite', async (request) => {
    const body = parseBody(request.body)
    const data = body.findObject('data')
    const input = { email: body.text('email'), redirectTo: findRedirect(request), client: toClientFacts(request), ...(data && { data }) }
    return toUserJson(await auth.inviteUser(request.project, input))
  })

  app.post('/admin/generate_link', async (request) => {
    const body = parseBody(request.body)
    const data = body.findObject('data')
    const link = await auth.generateLink(request.project, {
      type: body.text('type'),
      email: body.text('email'),
      newEmail: body.text('new_email'),
      password: body.text('password'),
      redirectTo: findRedirect(request, body.text('redirect_to')),
      client: toClientFacts(request),
      ...(data && { data }),
    })
    return toLinkJson(link)
  })

  app.get('/admin/audit', async (request, reply) => {
    const page = parsePage(request)
    const query = getQueryText(request, 'query')
    const { entries, total } = await auth.listAuditEntries(request.project, { ...page, ...parseAuditQuery(query) })
    setPageHeaders(reply, { path: '/admin/audit', ...page, total, ...(query !== '' && { query }) })
    return entries.map(toAuditJson)
  })
}

function getUserId(request: FastifyRequest): string {
  return (request.params as { userId: string }).userId
}

function parseUserFields(request: FastifyRequest) {
  const body = parseBody(request.body)
  const [email, phone, password, role] = [body.text('email'), body.text('phone'), body.findText('password'), body.text('role')]
  const [userMetadata, appMetadata, banDuration] = [
    body.findObject('user_metadata'),
    body.findObject('app_metadata'),
    body.text('ban_duration'),
  ]
  return {
    ...(email !== '' && { email }),
    ...(phone !== '' && { phone }),
    ...(password !== undefined && { password }),
    ...(role !== '' && { role }),
    isConfirmed: body.flag('email_confirm'),
    isPhoneConfirmed: body.flag('phone_confirm'),
    ...(userMetadata && { userMetadata }),
    ...(appMetadata && { appMetadata }),
    ...(banDuration !== '' && { banSeconds: parseBanDuration(banDuration) }),
  }
}

const ORDERS = ['created_at', 'updated_at', 'last_sign_in_at', 'email', 'phone'] as const

/** `created_at desc` and the like. Throws `auth.validation_failed` in GoTrue's words. */
function parseSort(request: FastifyRequest): Pick<ListUsersInput, 'orderBy' | 'isAscending'> {
  const text = getQueryText(request, 'sort')
  if (text === '') return {}
  const [field = '', direction = 'desc'] = text.split(' ')
  const orderBy = ORDERS.find((order) => order === field)
  if (orderBy === undefined) throw invalid(`Bad Sort Parameters: bad field for sort '${field.slice(0, 50)}'`)
  if (!/^(?:asc|desc)$/i.test(direction)) {
    throw invalid(`Bad Sort Parameters: bad direction for sort '${direction.slice(0, 50)}', only 'asc' and 'desc' allowed`)
  }
  return { orderBy, isAscending: direction.toLowerCase() === 'asc' }
}

const AUDIT_KEYS: Record<string, readonly string[]> = { author: ['actor_username', 'actor_name'], action: ['action'], type: ['log_type'] }

/** `action:login` and the like. */
function parseAuditQuery(query: string): { filter?: { keys: readonly string[]; part: string } } {
  if (query === '') return {}
  const [scope = '', ...rest] = query.split(':')
  const keys = Object.hasOwn(AUDIT_KEYS, scope) ? AUDIT_KEYS[scope] : undefined
  if (keys === undefined || rest.length === 0) throw invalid(`Invalid query scope: ${query.slice(0, 50)}`)
  return { filter: { keys, part: rest.join(':') } }
}

function parsePage(request: FastifyRequest): { page: number; perPage: number } {
  const page = parsePageNumber(getQueryText(request, 'page'), 1)
  return { page, perPage: Math.min(MOST_PER_PAGE, parsePageNumber(getQueryText(request, 'per_page'), PER_PAGE)) }
}

/** A number from 0 on, of which 0 counts as 1. Throws `auth.validation_failed` in GoTrue's words. */
function parsePageNumber(text: string, otherwise: number): number {
  if (text === '') return otherwise
  if (!/^\d{1,9}$/.test(text)) {
    throw invalid(`Bad Pagination Parameters: strconv.ParseUint: parsing ${JSON.stringify(text.slice(0, 50))}: invalid syntax`)
  }
  return Math.max(1, Number(text))
}

interface Paged {
  path: string
  page: number
  perPage: number
  total: number
  filter?: string
  query?: string
}

/** The pages around this one. `page` stands first: clients read the number behind the first equals sign. */
function setPageHeaders(reply: FastifyReply, { path, page, perPage, total, filter, query }: Paged): void {
  const last = Math.ceil(total / perPage)
  const rest = new URLSearchParams({
    per_page: String(perPage),
    ...(filter !== undefined && { filter }),
    ...(query !== undefined && { query }),
  })
  const link = (number: number, rel: string) => `<${path}?page=${number}&${rest.toString()}>; rel="${rel}"`
  const links = last > page ? `${link(page + 1, 'next')}, ${link(last, 'last')}` : link(last, 'last')
  reply.header('x-total-count', String(total)).header('link', links)
}

function invalid(message: string): ServiceError {
  return new ServiceError('auth.validation_failed', { message })
}
