import type { SupabaseClient } from '@supabase/supabase-js'
import { beforeAll, describe, expect, test } from 'vitest'
import { createApp, loadShop, openPolder, openSupabase, signUpUser, type App } from '../server/platform.ts'

let app: App
let anon: SupabaseClient
let ada: Awaited<ReturnType<typeof signUpUser>>
let bob: Awaited<ReturnType<typeof signUpUser>>

beforeAll(async () => {
  const polder = await openPolder('rest@e2e.test')
  app = await createApp(polder, 'rest')
  await loadShop(polder, app)
  anon = openSupabase(app)
  ada = await signUpUser(app, 'ada@shop.test')
  bob = await signUpUser(app, 'bob@shop.test')
})

describe('reading', () => {
  test('anybody reads the catalogue: filters, order, limit, exact count', async () => {
    const { data, count, error } = await anon
      .from('products')
      .select('id, title, price_cents', { count: 'exact' })
      .gte('price_cents', 50_000)
      .lt('price_cents', 60_000)
      .order('price_cents', { ascending: false })
      .order('id')
      .limit(10)
    expect(error).toBeNull()
    expect(data).toHaveLength(10)
    expect(count).toBeGreaterThan(10)
    expect(data!.every((row) => row.price_cents >= 50_000 && row.price_cents < 60_000)).toBe(true)
    expect(data!.map((row) => row.price_cents)).toEqual(data!.map((row) => row.price_cents).sort((a, b) => b - a))
  })

  test('row security hides unlisted products', async () => {
    const hidden = await anon.from('products').select('id').eq('is_listed', false)
    expect(hidden.data).toEqual([])
    const all = await openSupabase(app, app.serviceKey).from('products').select('id', { count: 'exact', head: true })
    expect(all.count).toBe(5000)
    const listed = await anon.from('products').select('id', { count: 'exact', head: true })
    expect(listed.count).toBe(4750)
  })

  test('or, in, ilike, contains, json paths, renames and casts', async () => {
    const { data, error } = await anon
      .from('products')
      .select('name:title, cents:price_cents::text, colour:attributes->>colour')
      .or('sku.eq.SKU-000001,sku.eq.SKU-000002')
      .in('attributes->>colour', ['red', 'green', 'blue'])
      .order('id')
    expect(error).toBeNull()
    expect(data).toEqual([
      { name: 'Product 1', cents: '137', colour: 'green' },
      { name: 'Product 2', cents: '174', colour: 'blue' },
    ])
    const tagged = await anon.from('products').select('id').contains('tags', ['tag3', 'tag1']).ilike('title', '%über%').limit(5)
    expect(tagged.error).toBeNull()
    expect(tagged.data!.length).toBeGreaterThan(0)
  })

  test('at most 1000 rows come at once, and range pages through the rest', async () => {
    const first = await anon.from('products').select('id').order('id')
    expect(first.data).toHaveLength(1000)
    const page = await anon.from('products').select('id').order('id').range(1000, 1009)
    expect(page.data).toHaveLength(10)
    expect(page.data![0]!.id).toBeGreaterThan(first.data![999]!.id)
  })

  test('single, maybeSingle and their errors', async () => {
    const one = await anon.from('products').select('sku').eq('sku', 'SKU-000001').single()
    expect(one.data).toEqual({ sku: 'SKU-000001' })
    const none = await anon.from('products').select('sku').eq('sku', 'no such').single()
    expect(none.status).toBe(406)
    expect(none.error?.code).toBe('PGRST116')
    expect((await anon.from('products').select('sku').eq('sku', 'no such').maybeSingle()).data).toBeNull()
  })

  test('what is not there is said in the words of PostgREST', async () => {
    expect((await anon.from('nothing_here').select()).error?.code).toBe('PGRST205')
    expect((await anon.from('products').select('no_such_column')).error?.code).toBe('42703')
  })

  test('related rows are embedded', async () => {
    const { data, error } = await anon.from('products').select('sku, categories(slug, title)').eq('sku', 'SKU-000001').single()
    expect(error).toBeNull()
    expect(data).toEqual({ sku: 'SKU-000001', categories: { slug: 'category-2', title: 'Category 2' } })
  })

  test('functions are called', async () => {
    const me = await ada.supabase.rpc('whoami')
    expect(me.data).toMatchObject({ uid: ada.user.id, role: 'authenticated', email: 'ada@shop.test', aal: 'aal1' })
    expect((await anon.rpc('whoami')).data).toMatchObject({ uid: null, role: 'anon' })
    const found = await anon.rpc('search_products', { term: 'über', max_cents: 5000 }).select('title, price_cents')
    expect(found.error).toBeNull()
    expect((found.data as unknown[]).length).toBeGreaterThan(0)
  })

  test('a view answers like a table', async () => {
    const { data, error } = await anon.from('best_sellers').select('id, title, reviews').order('id').limit(3)
    expect(error).toBeNull()
    expect(data).toHaveLength(3)
  })
})

describe('writing under row security', () => {
  test('a buyer fills a cart; triggers price it; nobody else sees it', async () => {
    const order = await ada.supabase.from('orders').insert({ note: 'ring twice' }).select().single()
    expect(order.error).toBeNull()
    expect(order.data).toMatchObject({ buyer_id: ada.user.id, status: 'cart', total_cents: 0 })
    const items = await ada.supabase
      .from('order_items')
      .insert([
        { order_id: order.data.id, product_id: 1, quantity: 2 },
        { order_id: order.data.id, product_id: 2, quantity: 1 },
      ])
      .select()
    expect(items.error).toBeNull()
    expect(items.data).toHaveLength(2)
    const mine = await ada.supabase.from('orders').select('id, total_cents').eq('id', order.data.id).single()
    expect(mine.data).toEqual({ id: order.data.id, total_cents: 2 * 137 + 174 })
    expect((await bob.supabase.from('orders').select()).data).toEqual([])
    expect((await anon.from('orders').select()).data).toEqual([])
  })

  test('a policy refuses what it must, and nothing changes', async () => {
    const forged = await bob.supabase.from('orders').insert({ buyer_id: ada.user.id })
    expect(forged.status).toBe(403)
    expect(forged.error?.code).toBe('42501')
    const nobody = await anon.from('orders').insert({ buyer_id: ada.user.id })
    expect(nobody.status).toBe(401)
    const staff = await bob.supabase.from('profiles').update({ is_staff: true }).eq('id', bob.user.id)
    expect(staff.error?.code).toBe('42501')
    const stolen = await bob.supabase.from('orders').update({ note: 'mine now' }).eq('buyer_id', ada.user.id).select()
    expect(stolen.data).toEqual([])
    expect((await bob.supabase.from('profiles').select('is_staff').eq('id', bob.user.id).single()).data).toEqual({ is_staff: false })
  })

  test('update, upsert and delete of own rows', async () => {
    const name = await ada.supabase.from('profiles').update({ full_name: 'Ada L.' }).eq('id', ada.user.id).select('full_name').single()
    expect(name.data).toEqual({ full_name: 'Ada L.' })
    const service = openSupabase(app, app.serviceKey)
    const merged = await service
      .from('categories')
      .upsert(
        [
          { slug: 'category-1', title: 'First' },
          { slug: 'brand-new', title: 'New' },
        ],
        { onConflict: 'slug' },
      )
      .select('slug, title')
    expect(merged.error).toBeNull()
    expect(merged.data).toEqual([
      { slug: 'category-1', title: 'First' },
      { slug: 'brand-new', title: 'New' },
    ])
    const gone = await service.from('categories').delete().eq('slug', 'brand-new').select('slug')
    expect(gone.data).toEqual([{ slug: 'brand-new' }])
  })

  test('constraints answer with their SQLSTATE', async () => {
    const service = openSupabase(app, app.serviceKey)
    const taken = await service.from('categories').insert({ slug: 'category-1', title: 'again' })
    expect([taken.status, taken.error?.code]).toEqual([409, '23505'])
    const negative = await service.from('products').update({ stock: -1 }).eq('id', 1)
    expect([negative.status, negative.error?.code]).toEqual([400, '23514'])
  })

  test('a conversation is shared by its members only', async () => {
    const talk = await ada.supabase.from('conversations').insert({ subject: 'Where is it?' }).select().single()
    expect(talk.error).toBeNull()
    const members = await ada.supabase
      .from('conversation_members')
      .insert([ada, bob].map(({ user }) => ({ conversation_id: talk.data.id, profile_id: user.id })))
    expect(members.error).toBeNull()
    const said = await bob.supabase.from('messages').insert({ conversation_id: talk.data.id, body: 'On its way “now” 🚚' })
    expect(said.error).toBeNull()
    const heard = await ada.supabase.from('messages').select('body, author:profiles(id)').eq('conversation_id', talk.data.id)
    expect(heard.data).toEqual([{ body: 'On its way “now” 🚚', author: { id: bob.user.id } }])
    const eve = await signUpUser(app, 'eve@shop.test')
    expect((await eve.supabase.from('messages').select()).data).toEqual([])
    expect((await eve.supabase.from('messages').insert({ conversation_id: talk.data.id, body: 'hi' })).error?.code).toBe('42501')
  })
})

test('a table made in the SQL editor is there for the next request', async () => {
  const polder = await openPolder('rest@e2e.test')
  await polder
    .project(app.ref)
    .database.runSql({ sql: 'create table public.fresh (id int primary key, note text); insert into public.fresh values (1, $$new$$)' })
  expect((await anon.from('fresh').select()).data).toEqual([{ id: 1, note: 'new' }])
  await polder.project(app.ref).database.runSql({ sql: 'alter table public.fresh add column more int default 7' })
  expect((await anon.from('fresh').select()).data).toEqual([{ id: 1, note: 'new', more: 7 }])
})
