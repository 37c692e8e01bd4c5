import type { AuthAdapter } from '@polder/adapters/auth'
import { ServiceError } from '@polder/core'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { parseBanDuration } from './ban-duration.ts'
import { parseBody } from './body.ts'
import { getQueryText } from './request-facts.ts'
import { toUserJson } from './wire.ts'

const PER_PAGE = 50
const MOST_PER_PAGE = 1000

/** What administrators do with users: GoTrue's `/admin/users`. The adapter refuses everybody but the service role. */
export function adminRoutes(app: FastifyInstance, auth: AuthAdapter): void {
  app.get('/admin/users', async (request, reply) => {
    const page = parsePageNumber(getQueryText(request, 'page'), 1)
    const perPage = Math.min(MOST_PER_PAGE, parsePageNumber(getQueryText(request, 'per_page'), PER_PAGE))
    const isOldestFirst = /^created_at asc$/i.test(getQueryText(request, 'sort'))
    const search = getQueryText(request, 'filter')
    const { users, total } = await auth.listUsers(request.project, { page, perPage, search, isOldestFirst })
    return reply
      .header('x-total-count', String(total))
      .header('link', toLinks({ page, perPage, total, search }))
      .send({ users: users.map(toUserJson), aud: 'authenticated' })
  })

  app.post('/admin/users', async (request) => {
    const { email, ...fields } = parseUserFields(request)
    if (email === undefined) throw invalid('Cannot create a user without either an email or phone')
    const id = parseBody(request.body).text('id')
    return toUserJson(await auth.createUser(request.project, { ...fields, email, ...(id !== '' && { id }) }))
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
}

function getUserId(request: FastifyRequest): string {
  return (request.params as { userId: string }).userId
}

function parseUserFields(request: FastifyRequest) {
  const body = parseBody(request.body)
  const [email, password, role, banDuration] = [body.text('email'), body.findText('password'), body.text('role'), body.text('ban_duration')]
  const [userMetadata, appMetadata] = [body.findObject('user_metadata'), body.findObject('app_metadata')]
  if (body.text('phone') !== '') throw invalid('Phone logins are disabled')
  if (body.text('password_hash') !== '') throw invalid('password_hash is not supported')
  return {
    ...(email !== '' && { email }),
    ...(password !== undefined && { password }),
    ...(role !== '' && { role }),
    isConfirmed: body.flag('email_confirm'),
    ...(userMetadata && { userMetadata }),
    ...(appMetadata && { appMetadata }),
    ...(banDuration !== '' && { banSeconds: parseBanDuration(banDuration) }),
  }
}

/** A number from 0 on, of which 0 counts as 1. Throws `auth.validation_failed` in GoTrue's words. */
function parsePageNumber(text: string, otherwise: number): number {
  if (text === '') return otherwise
  if (!/^\d{1,9}$/.test(text)) {
    throw invalid(`Bad Pagination Parameters: strconv.ParseUint: parsing ${JSON.stringify(text.slice(0, 50))}: invalid syntax`)
  }
  return Math.max(1, Number(text))
}

/** The pages around this one. `page` stands first: clients read the number behind the first equals sign. */
function toLinks({ page, perPage, total, search }: { page: number; perPage: number; total: number; search: string }): string {
  const last = Math.ceil(total / perPage)
  const rest = new URLSearchParams({ per_page: String(perPage), ...(search === '' ? {} : { filter: search }) })
  const link = (number: number, rel: string) => `</admin/users?page=${number}&${rest.toString()}>; rel="${rel}"`
  return last > page ? `${link(page + 1, 'next')}, ${link(last, 'last')}` : link(last, 'last')
}

function invalid(message: string): ServiceError {
  return new ServiceError('auth.validation_failed', { message })
}
