import { openTestCluster, type TestCluster, type TestProject } from '@polder/db/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createRestAdapter } from './adapter.ts'
import { findRestFault } from './fault.ts'
import { bodyText } from './reply.ts'
import { SHOP } from './testing/shop-schema.ts'

let cluster: TestCluster
let shop: TestProject
const rest = createRestAdapter()

beforeAll(async () => {
  cluster = await openTestCluster()
  shop = await cluster.createProject()
  await shop.runAsOwner(SHOP)
})
afterAll(() => cluster[Symbol.asyncDispose]())

interface Sent {
  as?: 'anon' | 'authenticated' | 'service_role'
  sub?: string
  body?: unknown
  headers?: Record<string, string>
}

async function send(method: string, url: string, { as = 'service_role', sub, body, headers = {} }: Sent = {}) {
  const project = await shop.scope(as, sub === undefined ? undefined : { sub })
  const [path = '', query = ''] = url.split(/\?(.*)/s)
  const bytes = body === undefined ? null : Buffer.from(typeof body === 'string' ? body : JSON.stringify(body))
  const reply = await rest.answer(project, {
    method,
    path,
    query,
    headers: { 'content-type': 'application/json', ...headers },
    body: bytes,
  })
  const text = bodyText(reply)
  return { ...reply, text, json: () => JSON.parse(text), header: (name: string) => reply.headers.find(([each]) => each === name)?.[1] }
}

async function faultOf(sent: Promise<unknown>) {
  const error = await sent.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  return findRestFault(error) ?? error
}

describe('reading', () => {
  it('gives rows as Postgres writes them', async () => {
    const reply = await send('GET', '/products?select=id,name&order=id&limit=2')
    expect(reply.status).toBe(200)
    expect(reply.text).toBe('[{"id":1,"name":"Lamp"}, \n {"id":2,"name":"Desk"}]')
    expect(reply.header('Content-Range')).toBe('0-1/*')
  })

  it.each([
    ['price=gt.20&price=lt.200', [1]],
    ['name=ilike.*a*', [1, 4]],
    ['id=in.(1,3)', [1, 3]],
    ['id=not.in.(1,3)', [2, 4]],
    ['id=in.()', []],
    ['or=(id.eq.1,and(id.gt.2,id.lt.4))', [1, 3]],
    ['not.or=(id.eq.1,id.eq.2)', [3, 4]],
    ['tags=cs.{wood}', [2, 3]],
    ['tags=ov.{light,office}', [1, 2, 4]],
    ['name=like(any).{L*,D*}', [1, 2]],
    ['details->>color=eq.red', [1]],
    ['details->size->0=eq.10', [2]],
    ['name=fts.lamp', [1]],
    ['name=wfts(english).chairs', [4]],
    ['category_id=is.null', [4]],
    ['id=isdistinct.1', [2, 3, 4]],
    ['name=match.^L', [1]],
  ])('filters by %s', async (query, ids) => {
    const reply = await send('GET', `/products?select=id&order=id&${query}`)
    expect(reply.json().map(({ id }: { id: number }) => id)).toEqual(ids)
  })

  it('counts, and tells a part from the whole', async () => {
    const exact = await send('GET', '/products?select=id&order=id&limit=2', { headers: { prefer: 'count=exact' } })
    expect([exact.status, exact.header('Content-Range')]).toEqual([206, '0-1/4'])
    const head = await send('HEAD', '/products', { headers: { prefer: 'count=exact' } })
    expect([head.status, head.header('Content-Range'), head.text]).toEqual([200, '0-3/4', ''])
    const planned = await send('GET', '/products?select=id', { headers: { prefer: 'count=planned' } })
    expect(planned.header('Content-Range')).toMatch(/^0-3\/\d+$/)
    const ranged = await send('GET', '/products?select=id&order=id', { headers: { range: '1-2' } })
    expect([ranged.json(), ranged.header('Content-Range')]).toEqual([[{ id: 2 }, { id: 3 }], '1-2/*'])
    expect(await faultOf(send('GET', '/products?offset=10', { headers: { prefer: 'count=exact' } }))).toMatchObject({
      pgrst: 'PGRST103',
      status: 416,
    })
  })

  it('shapes columns: renames, casts, JSON paths, singular, CSV', async () => {
    const reply = await send('GET', '/products?select=what:name,price::text,details->size->0,color:details->>color&id=eq.1', {
      headers: { accept: 'application/vnd.pgrst.object+json' },
    })
    expect(reply.json()).toEqual({ what: 'Lamp', price: '49.90', size: 5, color: 'red' })
    expect(await faultOf(send('GET', '/products', { headers: { accept: 'application/vnd.pgrst.object+json' } }))).toMatchObject({
      pgrst: 'PGRST116',
      status: 406,
      details: 'The result contains 4 rows',
    })
    const csv = await send('GET', '/products?select=id,name&order=id&limit=2', { headers: { accept: 'text/csv' } })
    expect(csv.text).toBe('id,name\n1,Lamp\n2,Desk')
  })

  it('embeds in every direction', async () => {
    const many = await send('GET', '/categories?select=name,products(name)&products.order=id&order=id')
    expect(many.json()).toEqual([
      { name: 'Light', products: [{ name: 'Lamp' }] },
      { name: 'Wood', products: [{ name: 'Desk' }, { name: 'Shelf' }] },
    ])
    const one = await send('GET', '/products?select=name,category:categories(name)&id=in.(1,4)&order=id')
    expect(one.json()).toEqual([
      { name: 'Lamp', category: { name: 'Light' } },
      { name: 'Chair', category: null },
    ])
    const through = await send('GET', '/products?select=id,labels(name)&id=eq.1')
    expect(through.json()).toEqual([{ id: 1, labels: [{ name: 'new' }] }])
    const inner = await send('GET', '/products?select=id,categories!inner(id)&categories.name=eq.Wood&order=id', {
      headers: { prefer: 'count=exact' },
    })
    expect([inner.json().length, inner.header('Content-Range')]).toEqual([2, '0-1/2'])
    const spread = await send('GET', '/products?select=id,...categories(kind:name)&id=eq.2')
    expect(spread.json()).toEqual([{ id: 2, kind: 'Wood' }])
    const nulls = await send('GET', '/products?select=id,categories()&categories=is.null')
    expect(nulls.json()).toEqual([{ id: 4 }])
    const self = await send('GET', '/staff?select=name,boss(name),staff(name)&id=eq.2')
    expect(self.json()).toEqual([{ name: 'Bo', boss: { name: 'Ann' }, staff: [{ name: 'Cy' }] }])
    const view = await send('GET', '/cheap_products?select=title,categories(name)&order=id&limit=1')
    expect(view.json()).toEqual([{ title: 'Lamp', categories: { name: 'Light' } }])
    expect(await faultOf(send('GET', '/products?select=id,nothing(id)'))).toMatchObject({ pgrst: 'PGRST200', status: 400 })
  })

  it('reaches nothing that row-level security hides', async () => {
    const [ann, bo] = ['00000000-0000-4000-8000-000000000001', '00000000-0000-4000-8000-000000000002']
    await send('POST', '/notes', { as: 'authenticated', sub: ann, body: { owner: ann, text: 'mine' } })
    expect((await send('GET', '/notes?select=text', { as: 'authenticated', sub: ann })).json()).toEqual([{ text: 'mine' }])
    expect((await send('GET', '/notes?select=text', { as: 'authenticated', sub: bo })).json()).toEqual([])
    const refused = await send('POST', '/notes', { as: 'authenticated', sub: bo, body: { owner: ann, text: 'forged' } }).catch(
      (error: unknown) => error,
    )
    expect(refused).toMatchObject({ code: 'rest.database_error', cause: { code: '42501' } })
  })
})

describe('writing', () => {
  it('inserts one and many, with what is asked back', async () => {
    const one = await send('POST', '/labels', { body: { name: 'one' }, headers: { prefer: 'return=representation' } })
    expect([one.status, one.json()[0].name, one.header('Preference-Applied')]).toEqual([201, 'one', 'return=representation'])
    const located = await send('POST', '/labels', { body: { id: 900, name: 'two' }, headers: { prefer: 'return=headers-only' } })
    expect([located.status, located.header('Location'), located.body]).toEqual([201, '/labels?id=eq.900', null])
    const bulk = await send('POST', '/labels?columns=name', {
      body: [{ name: 'a', junk: 1 }, { name: 'b' }],
      headers: { prefer: 'count=exact' },
    })
    expect([bulk.status, bulk.header('Content-Range')]).toEqual([201, '*/2'])
    expect(await faultOf(send('POST', '/labels', { body: [{ name: 'a' }, { id: 1 }] }))).toMatchObject({ pgrst: 'PGRST102' })
    expect(await faultOf(send('POST', '/labels', { body: { nope: 1 } }))).toMatchObject({ pgrst: 'PGRST204' })
    expect(await faultOf(send('POST', '/labels', { body: '{' }))).toMatchObject({ pgrst: 'PGRST102' })
    const defaults = await send('POST', '/products?select=price', {
      body: [{ id: 50, name: 'x' }],
      headers: { prefer: 'return=representation, missing=default' },
    })
    expect(defaults.json()).toEqual([{ price: 1 }])
    await send('DELETE', '/products?id=eq.50')
  })

  it('upserts, replaces, updates, deletes', async () => {
    const merge = { prefer: 'resolution=merge-duplicates, return=representation' }
    expect((await send('POST', '/labels', { body: { id: 901, name: 'n' }, headers: merge })).status).toBe(201)
    const merged = await send('POST', '/labels', { body: { id: 901, name: 'm' }, headers: merge })
    expect([merged.status, merged.json()]).toEqual([200, [{ id: 901, name: 'm' }]])
    const ignored = await send('POST', '/labels', {
      body: { id: 901, name: 'z' },
      headers: { prefer: 'resolution=ignore-duplicates,return=representation' },
    })
    expect(ignored.json()).toEqual([])
    expect(
      (await send('PUT', '/labels?id=eq.902', { body: { id: 902, name: 'put' }, headers: { prefer: 'return=representation' } })).status,
    ).toBe(201)
    expect(await faultOf(send('PUT', '/labels?id=eq.902', { body: { id: 903, name: 'put' } }))).toMatchObject({ pgrst: 'PGRST115' })
    expect(await faultOf(send('PUT', '/labels?name=eq.a', { body: { id: 903, name: 'put' } }))).toMatchObject({ pgrst: 'PGRST105' })
    const patched = await send('PATCH', '/labels?id=eq.902', { body: { name: 'patched' }, headers: { prefer: 'return=representation' } })
    expect([patched.status, patched.json()]).toEqual([200, [{ id: 902, name: 'patched' }]])
    expect((await send('PATCH', '/labels?id=eq.902', { body: {} })).status).toBe(204)
    expect((await send('DELETE', '/labels?id=eq.902')).status).toBe(204)
    expect((await send('GET', '/labels?id=eq.902')).json()).toEqual([])
  })

  it('takes back a write that is not the one object asked for', async () => {
    const headers = { accept: 'application/vnd.pgrst.object+json', prefer: 'return=representation' }
    expect(await faultOf(send('PATCH', '/products?id=gt.0', { body: { name: 'gone' }, headers }))).toMatchObject({ pgrst: 'PGRST116' })
    expect((await send('GET', '/products?name=eq.gone')).json()).toEqual([])
    const strict = { prefer: 'handling=strict, max-affected=1' }
    expect(await faultOf(send('DELETE', '/products?id=gt.1', { headers: strict }))).toMatchObject({ pgrst: 'PGRST124' })
    expect((await send('GET', '/products?select=id')).json()).toHaveLength(4)
  })
})

describe('functions', () => {
  it('are called by the names of their arguments', async () => {
    expect((await send('GET', '/rpc/add?a=2&b=3')).text).toBe('5')
    expect((await send('POST', '/rpc/add', { body: { a: 2, b: 3 } })).text).toBe('5')
    expect((await send('POST', '/rpc/greet', { body: {} })).text).toBe('"hello world"')
    expect((await send('POST', '/rpc/greet', { body: { who: 'you' } })).text).toBe('"hello you"')
    expect((await send('POST', '/rpc/nothing', { body: {} })).status).toBe(204)
    expect((await send('POST', '/rpc/echo', { body: { any: ['thing'] } })).json()).toEqual({ any: ['thing'] })
    const rows = await send('GET', '/rpc/products_above?floor=100&select=name,categories(name)&order=name')
    expect(rows.json()).toEqual([{ name: 'Desk', categories: { name: 'Wood' } }])
    expect(await faultOf(send('GET', '/rpc/add?a=1'))).toMatchObject({ pgrst: 'PGRST202', status: 404 })
    expect(await faultOf(send('PUT', '/rpc/add'))).toMatchObject({ pgrst: 'PGRST101', status: 405 })
    const written = await send('GET', '/rpc/write_note').catch((error: unknown) => error)
    expect(written).toMatchObject({ cause: { code: '25006' } })
  })
})

describe('names and values that try to be more', () => {
  it('are quoted, or travel as values', async () => {
    const table = encodeURIComponent('we"ird tä.ble')
    const body = { __proto__x: 'p', 'a "b" c': 'q', ключ: 'r' }
    expect((await send('POST', `/${table}`, { body })).status).toBe(201)
    const reply = await send(
      'GET',
      `/${table}?select=${encodeURIComponent('"a \\"b\\" c",ключ')}&${encodeURIComponent('"a \\"b\\" c"')}=eq.q`,
    )
    expect(reply.json()).toEqual([{ 'a "b" c': 'q', ключ: 'r' }])
    for (const value of ["'; drop table products; --", '$1', '\\', '"', "E'\\''", '{}', '%00']) {
      const sent = send('GET', `/products?name=eq.${value === '%00' ? value : encodeURIComponent(value)}`)
      const found = await sent.then(
        (answer) => answer.json(),
        (error: unknown) => (error as { cause: { code: string } }).cause.code,
      )
      expect(['22021', '[]']).toContain(Array.isArray(found) ? '[]' : found)
    }
    expect((await send('GET', '/products?select=id')).json()).toHaveLength(4)
  })

  it('sees a table that was made behind its back', async () => {
    expect(await faultOf(send('GET', '/made_later'))).toMatchObject({ pgrst: 'PGRST205', status: 404 })
    await shop.runAsOwner('create table made_later (id int)')
    expect((await send('GET', '/made_later')).json()).toEqual([])
    await shop.runAsOwner('alter table made_later add column more text')
    await new Promise((resolve) => setTimeout(resolve, 1010))
    await shop.runAsOwner("insert into made_later values (1, 'x')")
    expect((await send('GET', '/made_later')).json()).toEqual([{ id: 1, more: 'x' }])
  })
})

describe('the root', () => {
  it('describes what the caller may use', async () => {
    await shop.runAsOwner('revoke all on staff from anon')
    const document = (await send('GET', '/', { as: 'anon' })).json()
    expect(document).toMatchObject({
      swagger: '2.0',
      info: { title: 'standard public schema' },
      basePath: `/projects/${shop.ref}/rest/v1/`,
    })
    expect(Object.keys(document.definitions)).toContain('products')
    expect(Object.keys(document.definitions)).not.toContain('staff')
    expect(document.paths['/rpc/add'].get.parameters[0]).toEqual({
      in: 'query',
      name: 'a',
      required: true,
      type: 'integer',
      format: 'int32',
    })
    expect(document.definitions.products.properties.category_id.description).toContain("<fk table='categories' column='id'/>")
    expect(await faultOf(send('POST', '/'))).toMatchObject({ pgrst: 'PGRST117', status: 405 })
  })
})

describe('settings', () => {
  it('run a function before each request, and rehearse what is not to be kept', async () => {
    await shop.runAsOwner(`
      create function gate() returns void language plpgsql as $$ begin
        if current_setting('request.path') = '/labels' then raise exception 'closed' using errcode = 'PT423'; end if; end $$;
      create table once (id int primary key deferrable initially deferred)`)
    const open = await shop.scope('service_role')
    const rest_ = { ...open.configuration.rest, preRequest: 'public.gate', transactionEnd: 'commit-allow-override' as const }
    const project = { ...open, configuration: { ...open.configuration, rest: rest_ } }
    const ask = (method: string, path: string, headers: Record<string, string>, body: Buffer | null = null) =>
      rest.answer(project, { method, path, query: '', headers, body })
    await expect(ask('GET', '/labels', {})).rejects.toMatchObject({ cause: { code: 'PT423' } })
    const rollback = { prefer: 'tx=rollback', 'content-type': 'application/json' }
    expect((await ask('POST', '/once', rollback, Buffer.from('{"id":1}'))).status).toBe(201)
    expect(bodyText(await ask('GET', '/once', {}))).toBe('[]')
    await expect(ask('POST', '/once', rollback, Buffer.from('[{"id":1},{"id":1}]'))).rejects.toMatchObject({ cause: { code: '23505' } })
  })
})

describe('views', () => {
  it('have the relationships of the columns that they show, by whatever name and way', async () => {
    await shop.runAsOwner(`
      create view "odd view" as select id as "the {id} (x) :resno 1", category_id as "cat,egory \\ } {", name from products;
      create view over_view as with w as (select * from "odd view") select w."cat,egory \\ } {" as kind, w.name from w;
      create view both_sides as select p.id, p.category_id, c.id as c_id from products p join categories c on c.id = p.category_id;
      create view united as select id, category_id from products union all select id, category_id from products`)
    const odd = await send('GET', `/${encodeURIComponent('odd view')}?select=name,categories(name)&name=eq.Lamp`)
    expect(odd.json()).toEqual([{ name: 'Lamp', categories: { name: 'Light' } }])
    const over = await send('GET', '/over_view?select=name,categories(name)&name=eq.Desk')
    expect(over.json()).toEqual([{ name: 'Desk', categories: { name: 'Wood' } }])
    const back = await send('GET', '/categories?select=name,over_view(name)&id=eq.1')
    expect(back.json()).toEqual([{ name: 'Light', over_view: [{ name: 'Lamp' }] }])
    expect((await send('GET', '/both_sides?select=id,products(name)&id=eq.1')).status).toBe(200)
    expect(await faultOf(send('GET', '/united?select=id,categories(name)'))).toMatchObject({ pgrst: 'PGRST200' })
  })
})
