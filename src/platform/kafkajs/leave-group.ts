/**
 * Defect: kafkajs lets a consumer leave its own group and nobody else: its admin cannot remove a member that died.
 *
 * Repair: the call LeaveGroup for any member, which brokers take from everybody who may read the group.
 */
import type { Admin } from 'kafkajs';
import { clusterOf } from './offsets.ts';

/** Removes a member from its consumer group, so that the others get its partitions at once. Returns whether it was still one. */
export async function leaveGroupFor(admin: Admin, groupId: string, memberId: string): Promise<boolean> {
  const coordinator = await clusterOf(admin).findGroupCoordinator({ groupId });
  try {
    await coordinator.leaveGroup({ groupId, memberId });
    return true;
  } catch (error) {
    if ((error as { readonly type?: string }).type !== 'UNKNOWN_MEMBER_ID') throw error;
    return false;
  }
}
