import type { SimClock } from "../../../src/base/clock.js";
import { type Deferred, deferred } from "../../../src/base/deferred.js";
import type { Transport, Wire } from "../../../src/kafka/transport/transport.js";
import { KafkaError } from "../../../src/protocol/kafka-error.js";

/** `cut`: connections break. `deaf`: requests do not arrive. `mute`: they do, and their answers do not. */
export type Weather = "fair" | "cut" | "deaf" | "mute";

/** One worker's simulated network to a broker in memory. */
export class BrokerLink implements Transport {
  #weather: Weather = "fair";
  readonly #wires = new Set<Wire>();
  /** Lost requests and answers: they fail once the weather changes, like connections that are found dead. */
  #lost: Deferred<never> = deferred<never>();
  #changed = deferred();

  /** @param latencyMs of one message, asked for each. */
  constructor(
    private readonly broker: Transport,
    private readonly clock: SimClock,
    private readonly latencyMs: () => number,
  ) {}

  get weather(): Weather {
    return this.#weather;
  }

  set weather(weather: Weather) {
    if (weather === this.#weather) return;
    this.#weather = weather;
    this.#changed.resolve();
    this.#changed = deferred();
    if (weather !== "cut" && weather !== "fair") return;
    this.#lost.reject(new KafkaError("NETWORK_EXCEPTION", "The connection was found dead"));
    this.#lost = deferred<never>();
    for (const wire of this.#wires) wire.close();
    this.#wires.clear();
  }

  /** Resolves at the next change of the weather. */
  get changed(): Promise<void> {
    return this.#changed.promise;
  }

  async connect(address: { readonly host: string; readonly port: number }): Promise<Wire> {
    await this.clock.delay(this.latencyMs());
    if (this.#weather === "cut") throw new KafkaError("NETWORK_EXCEPTION", "Connecting");
    if (this.#weather !== "fair") return this.#lost.promise;
    const inner = await this.broker.connect(address);
    this.#wires.add(inner);
    return {
      versions: inner.versions,
      get isOpen() {
        return inner.isOpen;
      },
      exchange: (api, version, encode, timeoutMs) =>
        this.#inTime(
          inner,
          timeoutMs,
          this.#carry(inner, () => inner.exchange(api, version, encode, timeoutMs)),
        ),
      post: (api, encode) => inner.post(api, encode),
      retire: () => inner.retire(),
      close: () => inner.close(),
    };
  }

  async #inTime(wire: Wire, timeoutMs: number, answer: Promise<Buffer>): Promise<Buffer> {
    const over = deferred<never>();
    const timer = this.clock.schedule(timeoutMs, () => {
      over.reject(new KafkaError("REQUEST_TIMED_OUT", "No answer"));
      wire.close();
    });
    try {
      return await Promise.race([answer, over.promise]);
    } finally {
      timer.cancel();
    }
  }

  async #carry(wire: Wire, send: () => Promise<Buffer>): Promise<Buffer> {
    const { promise } = this.#lost;
    await this.clock.delay(this.latencyMs());
    if (this.#weather === "deaf") return promise;
    if (!wire.isOpen) throw new KafkaError("NETWORK_EXCEPTION", "The connection was closed");
    const answer = await Promise.race([send(), promise]);
    return this.#weather === "mute" ? promise : answer;
  }
}
