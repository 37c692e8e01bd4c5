import { clusterSchema, installationSchema, updateInstallationSchema } from '@polder/core'
import { accountProcedure, administratorProcedure, publicProcedure, router } from '../trpc.ts'

/** The installation as a whole. */
export const installationRouter = router({
  get: publicProcedure.output(installationSchema).query(({ ctx }) => ctx.services.installation.getInstallation()),

  listClusters: accountProcedure.output(clusterSchema.array()).query(({ ctx }) => ctx.services.installation.listClusters()),

  update: administratorProcedure
    .input(updateInstallationSchema)
    .output(installationSchema)
    .mutation(({ ctx, input }) => ctx.services.installation.updateInstallation(ctx.actor, input)),
})
