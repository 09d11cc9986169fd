/** Bit n stands for the operation with code n (KIP-430). Without an authorizer every client may do everything. */
export const TOPIC_OPERATIONS = 3576;
export const GROUP_OPERATIONS = 3400;
export const CLUSTER_OPERATIONS = 8096;
