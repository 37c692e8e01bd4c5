import { z } from 'zod'
import { isPlainText } from '../plain-text.ts'

const shortText = z.string().max(100).refine(isPlainText, 'has control characters')

/** How text messages are sent; by GoTrue's names, times in seconds. The provider's token is the secret `sms_twilio_auth_token`. */
export const smsSettingsSchema = z.object({
  /** Whether phone numbers count as confirmed without a message. */
  smsAutoconfirm: z.boolean(),
  /** Empty: messages go to the project's inbox in the dashboard. */
  smsProvider: z.enum(['', 'twilio']),
  /** Base of the API; another one for a service that answers as Twilio does. */
  smsTwilioUrl: z.url({ protocol: /^https?$/ }).max(500),
  smsTwilioAccountSid: shortText,
  /** A messaging service, or the number to send from. */
  smsTwilioMessageServiceSid: shortText,
  /** For WhatsApp: the approved template that takes the code. */
  smsTwilioContentSid: shortText,
  smsTemplate: z
    .string()
    .min(1)
    .max(1_000)
    .refine((text) => !text.includes('\0') && text.isWellFormed(), 'is no text'),
  smsMaxFrequency: z.number().int().min(0).max(86_400),
  smsOtpExp: z.number().int().min(30).max(86_400),
  smsOtpLength: z.number().int().min(6).max(10),
  /** Codes that work for certain numbers, to which nothing is sent. */
  smsTestOtp: z.record(z.string().regex(/^\+?[0-9 ]{2,20}$/), z.string().regex(/^[0-9]{4,10}$/)),
  /** Until when they do; null for ever. */
  smsTestOtpValidUntil: z.iso.datetime({ offset: true }).nullable(),
})

export const DEFAULT_SMS_SETTINGS: z.infer<typeof smsSettingsSchema> = {
  smsAutoconfirm: false,
  smsProvider: '',
  smsTwilioUrl: 'https://api.twilio.com',
  smsTwilioAccountSid: '',
  smsTwilioMessageServiceSid: '',
  smsTwilioContentSid: '',
  smsTemplate: 'Your code is {{ .Code }}',
  smsMaxFrequency: 60,
  smsOtpExp: 60,
  smsOtpLength: 6,
  smsTestOtp: {},
  smsTestOtpValidUntil: null,
}
