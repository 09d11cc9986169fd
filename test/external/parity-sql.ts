/*
 * What is done to a database while both connectors watch: every type that is captured, once in the snapshot and once in
 * the stream, and every kind of change. Values are chosen at the edges where two implementations drift apart; what the original falsifies (dates BC and infinite dates in a
 * snapshot, fractions of time arrays, arrays of two dimensions) is left out: docs/compatibility.md lists it.
 */

const TYPES = `
  id int primary key,
  b boolean, i2 int2, i4 int4, i8 int8, f4 float4, f8 float8,
  n numeric, n102 numeric(10,2), n380 numeric(38,0),
  t text, vc varchar(20), c char(4), by bytea, u uuid, j json, jb jsonb,
  d date, tm time, tm3 time(3), tmtz timetz, ts timestamp, ts3 timestamp(3), ts0 timestamp(0),
  tstz timestamptz, tstz3 timestamptz(3), iv interval, m mood,
  ta text[], ia int[], ua uuid[]`;

const NAMES = "id,b,i2,i4,i8,f4,f8,n,n102,n380,t,vc,c,by,u,j,jb,d,tm,tm3,tmtz,ts,ts3,ts0,tstz,tstz3,iv,m,ta,ia,ua";

const ROWS = [
  `true, 1, 2, 3, 1.5, 2.5, 12.345, 1.50, 12345678901234567890123456789012345678, 'text', 'varchar', 'ab', '\\x00ff10',
   '6f9619ff-8b86-d011-b42d-00cf4fc964ff', '{"a": 1}', '{"b": [1,2]}', '2024-02-29', '13:51:30.123456', '13:51:30.123',
   '13:51:30.123456+02', '2024-02-29 13:51:30.123456', '2024-02-29 13:51:30.123', '2024-02-29 13:51:30',
   '2024-02-29 13:51:30.123456+02', '2024-02-29 13:51:30.12+02', '1 year 2 mons 3 days 04:05:06.789', 'sad',
   '{a,NULL,"b c","q\\"uote"}', '{1,NULL,-3}', '{6f9619ff-8b86-d011-b42d-00cf4fc964ff,NULL}'`,
  `false, -32768, -2147483648, -9223372036854775808, '-Infinity', 'NaN', -0.000001, -99999999.99, -1, '', '', '', '',
   '00000000-0000-0000-0000-000000000000', 'null', '"x"', '1969-12-31', '00:00:00', '00:00:00', '00:00:00-12',
   '1969-12-31 23:59:59.999999', '1969-12-31 23:59:59.999', '1969-12-31 23:59:59', '1969-12-31 23:59:59.999999+00',
   '1969-12-31 23:59:59.5+00', '-1 days', 'ok', '{}', '{}', '{}'`,
  `NULL, 32767, 2147483647, 9223372036854775807, 3.4028235e38, 1.7976931348623157e308, 100000000000000000000, 0, 0,
   E'line\\nbreak \\t "quoted" \\\\ \\u00e9\\u65e5\\u672c \\U0001F600', 'é', 'é', '\\x7f', NULL, '[1.0, 1e3, "\\u00e9"]',
   '{"z": 1, "a": 1.10}', '0001-01-01', '24:00:00', '23:59:59.999', '23:59:59.999999+14', '9999-12-31 23:59:59.999999',
   '0001-01-01 00:00:00', '2000-01-01 00:00:00', '9999-12-31 23:59:59.999999+00', '0001-01-01 00:00:00+00', '100:00:00.000001', 'very happy',
   '{"null","",","}', '{2147483647,-2147483648}', NULL`,
  `NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
   NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL`,
  `true, 0, 16777216, 9007199254740993, 16777216, 1e7, 'NaN', 0.1, 10, 'plain', 'x', 'four', '\\xdeadbeef',
   'ffffffff-ffff-ffff-ffff-ffffffffffff', '{}', '{}', '2024-06-30', '12:00', '12:00', '12:00+00', 'infinity', '-infinity', '2024-07-01 12:00',
   'infinity', '-infinity', '0', 'sad', '{c}', '{7}', '{00000000-0000-0000-0000-000000000001}'`,
  `true, 100, 100000, 1, 0.1, 0.1, 1e-10, 12345678.9, 99999999999999999999999999999999999999, 'x', 'y', 'z', '\\x01',
   '00000000-0000-0000-0000-00000000000a', '1', '1', '2038-01-19', '23:59:59.999999', '00:00:00.001', '00:00:00.000001+00',
   '2038-01-19 03:14:08.000001', '2038-01-19 03:14:08.001', '2038-01-19 03:14:08', '2038-01-19 03:14:08.000001-08', '2038-01-19 03:14:08.001-08',
   '1 mon -1 day', 'ok', '{" lead","trail "}', '{0}', '{}'`,
];

function insertRows(table: string, firstId: number): string[] {
  return ROWS.map((row, i) => `insert into ${table}(${NAMES}) values (${firstId + i}, ${row})`);
}

/** Before the connectors start: tables and the rows of the snapshot. */
export const SETUP: readonly string[] = [
  "create type mood as enum ('sad', 'ok', 'very happy')",
  `create table types(${TYPES})`,
  ...insertRows("types", 1),
  `create table defaults(
     id bigserial primary key, i int not null default 42, t text not null default 'it', n numeric(6,2) default 1.50,
     b boolean default true, f float8 not null default 0.5, at timestamptz not null default now(), d date default '2020-01-02',
     u uuid, m mood not null default 'ok', no_default int not null, c char(4) default 'ab')`,
  "insert into defaults(no_default, at) values (7, '2024-01-01 00:00:00Z')",
  "create table two_keys(a int, b text, v text, primary key (b, a))",
  "insert into two_keys values (1, 'x', 'one'), (2, 'y', 'two')",
  "create table no_key(v text, n int)",
  "insert into no_key values ('snapshot', 1)",
  "create table full_identity(id int primary key, v text, n numeric(8,3))",
  "alter table full_identity replica identity full",
  "insert into full_identity values (1, 'before', 1.5)",
  "create table by_index(id int primary key, code text not null, v text)",
  "create unique index by_index_code on by_index(code)",
  "alter table by_index replica identity using index by_index_code",
  "insert into by_index values (1, 'c1', 'v')",
  "create table toasted(id int primary key, big text, bigb bytea, bigj jsonb, biga text[], small int)",
  "alter table toasted alter big set storage external, alter bigb set storage external",
  "insert into toasted select 1, repeat('abc', 3000), decode(repeat('00ff', 3000), 'hex'), jsonb_build_object('a', (select string_agg(md5(g::text), '') from generate_series(1, 300) g)), (select array_agg(md5(g::text)) from generate_series(1, 300) g), 1",
  "create table changing(id int primary key, v text)",
  "insert into changing values (1, 'first')",
  "create table truncated(id int primary key)",
  "insert into truncated values (1)",
  'create table "Odd Name"("The Id" int primary key, "a-b" text, "日本" int, "9lives" int)',
  `comment on column "Odd Name"."a-b" is 'a "comment"'`,
  "comment on column types.t is 'of a text'",
  `insert into "Odd Name" values (1, 'x', 2)`,
  "create table empty_table(id int primary key, v text)",
];

/** How many events of a table there are, and how many tombstones beside them. */
export type Counts = Readonly<Record<string, readonly [events: number, tombstones: number]>>;

/** A step of the changes: statements, each a transaction, and how many records tables have come to after them. */
export interface ParityStep {
  readonly sql: readonly string[];
  /** Waited for before the next step: both read the catalog when a table has changed, so it must not change under them. */
  readonly records: Counts;
}

/** Once both stream. */
export const STEPS: readonly ParityStep[] = [
  {
    sql: [
      ...insertRows("types", 101),
      "update types set t = 'changed', i4 = 5 where id = 101",
      "update types set b = null, ta = '{z}' where id = 1",
      "delete from types where id = 102",
      "insert into defaults(no_default, at) values (8, '2024-06-01 12:00:00Z')",
      "update defaults set n = null where id = 2",
      "delete from defaults where id = 1",
      "begin; insert into two_keys values (3, 'z', 'three'); update two_keys set v = 'changed' where a = 1; delete from two_keys where a = 2; commit",
      "update two_keys set a = 10 where a = 1",
      "insert into no_key values ('streamed', 2)",
      "update full_identity set v = 'after' where id = 1",
      "update full_identity set id = 2 where id = 1",
      "delete from full_identity where id = 2",
      "update by_index set v = 'w' where id = 1",
      "delete from by_index where id = 1",
      "update toasted set small = 2 where id = 1",
      "update toasted set big = 'short' where id = 1",
      "update changing set v = 'second' where id = 1",
      "truncate truncated",
      "insert into truncated values (2)",
      `update "Odd Name" set "a-b" = 'y', "日本" = null`,
      `delete from "Odd Name"`,
      "insert into empty_table values (1, 'no longer')",
      "begin; insert into empty_table values (2, 'rolled back'); rollback",
    ],
    records: {
      types: [15, 1],
      defaults: [4, 1],
      two_keys: [7, 2],
      full_identity: [5, 2],
      by_index: [3, 1],
      toasted: [3, 0],
      changing: [2, 0],
      Odd_Name: [3, 1],
    },
  },
  {
    sql: [
      "alter table toasted replica identity full",
      "update toasted set small = 3 where id = 1",
      "delete from toasted where id = 1",
      "alter table changing add column added int not null default 5",
      "insert into changing values (2, 'third', 6)",
    ],
    records: { toasted: [5, 1], changing: [3, 0] },
  },
  {
    sql: ["alter table changing rename column v to renamed", "update changing set renamed = 'fourth' where id = 1"],
    records: { changing: [4, 0] },
  },
  {
    sql: [
      "alter table changing alter column added type bigint",
      "insert into changing values (3, 'fifth', 9007199254740993)",
    ],
    records: { changing: [5, 0] },
  },
  {
    sql: [
      "alter table changing drop column renamed",
      "insert into changing values (4, 7)",
      "delete from changing where id = 3",
    ],
    records: { changing: [7, 1] },
  },
  {
    sql: ["create table late(id int primary key, v text)", "insert into late values (1, 'made while streaming')"],
    records: { late: [1, 0] },
  },
];

/** How many records each table's topic has in the end. */
export const RECORDS: Counts = {
  types: [15, 1],
  defaults: [4, 1],
  two_keys: [7, 2],
  no_key: [2, 0],
  full_identity: [5, 2],
  by_index: [3, 1],
  toasted: [5, 1],
  changing: [7, 1],
  truncated: [2, 0],
  Odd_Name: [3, 1],
  empty_table: [1, 0],
  late: [1, 0],
};
