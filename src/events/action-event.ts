import type { InstalledItemActionEvent, ServiceActionEvent, SubscriptionActionEvent } from './crm.generated.ts';

/** The three families of CRM action events, distinguished by `family`. */
export type ActionEvent =
  | ({ readonly family: 'SUBSCRIPTION' } & Readonly<SubscriptionActionEvent> & WriterType)
  | ({ readonly family: 'SERVICE' } & Readonly<ServiceActionEvent> & WriterType)
  | ({ readonly family: 'INSTALLED_ITEM' } & Readonly<InstalledItemActionEvent> & WriterType);

export type Family = ActionEvent['family'];

interface WriterType {
  /** The action type as the CRM wrote it; differs from `type` if that is UNKNOWN. */
  readonly writerType: string;
}
