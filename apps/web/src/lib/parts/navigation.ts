import Activity from '@lucide/svelte/icons/scroll-text'
import Boxes from '@lucide/svelte/icons/boxes'
import Building from '@lucide/svelte/icons/building-2'
import CircleUser from '@lucide/svelte/icons/circle-user-round'
import House from '@lucide/svelte/icons/house'
import Server from '@lucide/svelte/icons/server'
import Settings from '@lucide/svelte/icons/settings'
import SquareFunction from '@lucide/svelte/icons/square-function'
import SquareTerminal from '@lucide/svelte/icons/square-terminal'
import Table from '@lucide/svelte/icons/table-2'
import Users from '@lucide/svelte/icons/users'
import type { Permission } from '@polder/core'
import type { Component } from 'svelte'

export interface NavigationItem {
  href: string
  label: string
  icon: Component<{ size?: number }>
  /** Second key of the chord that starts with G. */
  key?: string
  /** Pages below this one count as this one. */
  isBranch?: boolean
}

export interface NavigationSection {
  title?: string
  items: NavigationItem[]
}

/** The pages of one project that this account may see. */
export function toProjectNavigation(ref: string, may: (permission: Permission) => boolean): NavigationSection[] {
  const base = `/projects/${ref}`
  return [
    { items: [{ href: base, label: 'Home', icon: House, key: 'h' }] },
    {
      title: 'Database',
      items: [
        ...(may('database.execute') ? [{ href: `${base}/database/sql`, label: 'SQL editor', icon: SquareTerminal, key: 's' }] : []),
        { href: `${base}/database/tables`, label: 'Tables', icon: Table, key: 't', isBranch: true },
      ],
    },
    { title: 'Auth', items: [{ href: `${base}/auth`, label: 'Users', icon: Users, key: 'u' }] },
    {
      title: 'Functions',
      items: [{ href: `${base}/functions`, label: 'Functions', icon: SquareFunction, key: 'f', isBranch: true }],
    },
    {
      title: 'Project',
      items: [
        ...(may('audit.read') ? [{ href: `${base}/audit`, label: 'Audit log', icon: Activity, key: 'l' }] : []),
        { href: `${base}/settings`, label: 'Settings', icon: Settings, key: 'e' },
      ],
    },
  ]
}

/** The pages that belong to no project. */
export function toGeneralNavigation(organizations: { id: string; name: string }[], isAdministrator: boolean): NavigationSection[] {
  return [
    { items: [{ href: '/projects', label: 'Projects', icon: Boxes, key: 'p' }] },
    {
      title: 'Organizations',
      items: organizations.map(({ id, name }) => ({ href: `/organizations/${id}`, label: name, icon: Building, isBranch: true })),
    },
    {
      title: 'You',
      items: [
        { href: '/account', label: 'Account', icon: CircleUser, key: 'a', isBranch: true },
        ...(isAdministrator ? [{ href: '/installation', label: 'Installation', icon: Server, key: 'i' }] : []),
      ],
    },
  ]
}

/** Whether the page at this path is the item's. */
export function isHere({ href, isBranch }: NavigationItem, pathname: string): boolean {
  return pathname === href || (isBranch === true && pathname.startsWith(`${href}/`))
}
