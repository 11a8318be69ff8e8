import type { InstalledItemActionEvent, ServiceActionEvent, SubscriptionActionEvent } from './crm.generated.ts';

/** The three families of CRM action events, as a union that `family` tells apart. */
export type ActionEvent =
  | ({ readonly family: 'SUBSCRIPTION' } & Readonly<SubscriptionActionEvent> & WriterType)
  | ({ readonly family: 'SERVICE' } & Readonly<ServiceActionEvent> & WriterType)
  | ({ readonly family: 'INSTALLED_ITEM' } & Readonly<InstalledItemActionEvent> & WriterType);

export type Family = ActionEvent['family'];

interface WriterType {
  /** The action type as the CRM wrote it; differs from `type` where that is UNKNOWN. */
  readonly writerType: string;
}
