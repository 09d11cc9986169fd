import pg from "pg";
import type { Clock } from "../api/clock.js";
import type { Random } from "../api/random.js";

/** Counts of the workload so far. */
export interface WorkloadCounts {
  transactions: number;
  inserts: number;
  updates: number;
  deletes: number;
}

/** The workload's settings. */
export interface WorkloadOptions {
  readonly connectionString: string;
  readonly clients: number;
  /** Transactions per second that all clients together aim at. */
  readonly rate: number;
  readonly durationMs: number;
  readonly clock: Clock;
  readonly random: Random;
}

/** Rows that one transaction in the middle of the run updates at once. */
const BULK_ROWS = 1000;

/** A live mix of inserts, updates and deletes on the shop (config/demo/schema.sql), one or several rows each. */
export class DemoWorkload {
  readonly counts: WorkloadCounts = { transactions: 0, inserts: 0, updates: 0, deletes: 0 };
  /** Per transaction id, when the client knew of the commit, by the monotonic clock. */
  readonly commitsMs = new Map<number, number>();
  readonly #options: WorkloadOptions;
  /** Orders to update or delete. Some may be gone already, which does no harm. */
  readonly #orderIds: string[] = [];

  constructor(options: WorkloadOptions) {
    this.#options = options;
  }

  /** Runs for `durationMs`, or until `signal` aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { connectionString, clients, clock, durationMs } = this.#options;
    const connections: pg.Client[] = [];
    try {
      for (let i = 0; i < clients; i++) {
        const client = new pg.Client({ connectionString });
        const lost: Error[] = [];
        client.on("error", (error) => lost.push(error));
        await client.connect();
        connections.push(client);
      }
      const ids = await connections[0]?.query("select id from shop.orders");
      for (const { id } of ids?.rows ?? []) this.#orderIds.push(id);
      const untilMs = clock.monotonicMs() + durationMs;
      const loops = connections.map((client, index) => this.#loop(client, index, untilMs, signal));
      await Promise.all(loops);
    } finally {
      for (const client of connections) await client.end();
    }
  }

  async #loop(client: pg.Client, index: number, untilMs: number, signal: AbortSignal): Promise<void> {
    const { clock, clients, rate, durationMs } = this.#options;
    const intervalMs = (1000 * clients) / rate;
    let nextMs = clock.monotonicMs() + (index * intervalMs) / clients;
    let bulkDue = index === 0;
    while (!signal.aborted && nextMs < untilMs) {
      await clock.delay(nextMs - clock.monotonicMs(), signal);
      if (bulkDue && untilMs - clock.monotonicMs() < durationMs / 2) {
        bulkDue = false;
        await this.#updateMany(client);
      } else {
        await this.#step(client);
      }
      nextMs += intervalMs;
    }
  }

  async #step(client: pg.Client): Promise<void> {
    const chance = this.#options.random.next();
    if (chance < 0.3) await this.#placeOrder(client);
    else if (chance < 0.65) await this.#advanceOrder(client);
    else if (chance < 0.8) await this.#changeCustomer(client);
    else if (chance < 0.93) await this.#deleteOrder(client);
    else await this.#addCustomer(client);
  }

  /** One order with its items, and the customer's credit: three tables in one transaction. */
  async #placeOrder(client: pg.Client): Promise<void> {
    const { random } = this.#options;
    const customer = 1 + random.integer(10_000);
    const lines = 1 + random.integer(4);
    let orderId = "";
    await this.#transaction(client, async () => {
      const order = await client.query(
        `insert into shop.orders (customer_id, total, note, weight_kg, deliver_after)
         values ($1, $2, $3, $4, '14:30:00.5') returning id`,
        [
          customer,
          (random.integer(100_000) / 100).toFixed(2),
          random.next() < 0.2 ? "Gift “wrapped”, please" : null,
          random.integer(5000) / 8,
        ],
      );
      orderId = order.rows[0].id;
      await client.query(
        `insert into shop.order_items (order_id, line, sku, quantity, unit_price)
         select $1, line, 'SKU-' || lpad((line * 31)::text, 6, '0'), line, 9.99 + line from generate_series(1, $2::int) line`,
        [orderId, lines],
      );
      await client.query(
        "update shop.customers set credit_limit = coalesce(credit_limit, 0) - 1, version = version + 1 where id = $1",
        [customer],
      );
    });
    this.#orderIds.push(orderId);
    this.counts.inserts += 1 + lines;
    this.counts.updates += 1;
  }

  async #advanceOrder(client: pg.Client): Promise<void> {
    await this.#statement(
      "updates",
      client,
      `update shop.orders set version = version + 1,
         status = case status when 'new' then 'paid' when 'paid' then 'shipped' else 'delivered' end::shop.order_status
       where id = $1`,
      [this.#someOrder()],
    );
  }

  async #changeCustomer(client: pg.Client): Promise<void> {
    const { random } = this.#options;
    await this.#statement(
      "updates",
      client,
      `update shop.customers set version = version + 1, tags = array_append(tags, $2),
         preferences = coalesce(preferences, '{}') || jsonb_build_object('seen', $3::int) where id = $1`,
      [1 + random.integer(10_000), `tag ${random.integer(100)}`, random.integer(1000)],
    );
  }

  async #deleteOrder(client: pg.Client): Promise<void> {
    const id = this.#someOrder();
    await this.#transaction(client, async () => {
      const items = await client.query("delete from shop.order_items where order_id = $1", [id]);
      const orders = await client.query("delete from shop.orders where id = $1", [id]);
      this.counts.deletes += (items.rowCount ?? 0) + (orders.rowCount ?? 0);
    });
  }

  async #addCustomer(client: pg.Client): Promise<void> {
    const { random } = this.#options;
    await this.#statement(
      "inserts",
      client,
      "insert into shop.customers (email, name, birth_date) values ($1, 'Noémi 🙂', '2001-02-03')",
      [`${random.uuid()}@example.com`],
    );
  }

  async #updateMany(client: pg.Client): Promise<void> {
    await this.#statement(
      "updates",
      client,
      "update shop.customers set is_business = not is_business, version = version + 1 where id <= $1",
      [BULK_ROWS],
    );
  }

  #someOrder(): string | undefined {
    return this.#orderIds[this.#options.random.integer(this.#orderIds.length)];
  }

  /** A transaction of one statement. */
  async #statement(kind: "inserts" | "updates", client: pg.Client, sql: string, values: unknown[]): Promise<void> {
    const done = await client.query(`${sql} returning pg_current_xact_id()::text as xid`, values);
    this.#committed(done.rows[0]?.xid);
    this.counts[kind] += done.rowCount ?? 0;
  }

  async #transaction(client: pg.Client, work: () => Promise<void>): Promise<void> {
    await client.query("begin");
    try {
      await work();
      const { rows } = await client.query("select pg_current_xact_id_if_assigned()::text as xid");
      await client.query("commit");
      this.#committed(rows[0]?.xid);
    } catch (error) {
      await client.query("rollback");
      throw error;
    }
  }

  #committed(xid: string | null | undefined): void {
    const nowMs = this.#options.clock.monotonicMs();
    this.counts.transactions++;
    // The events' txId has the lower 32 bits; a fresh server has used no others.
    if (xid) this.commitsMs.set(Number(xid), nowMs);
  }
}
