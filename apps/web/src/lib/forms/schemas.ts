/** The schemas that forms share with the server. Loaded with `import()`: the schema library is not part of the first page. */
export {
  accountNameSchema,
  changePasswordSchema,
  createAccessTokenSchema,
  createProjectSchema,
  createUserSchema,
  inviteSchema,
  organizationNameSchema,
  projectNameSchema,
  signInSchema,
  signUpSchema,
} from '@polder/core'
