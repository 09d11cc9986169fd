-- 100,000 rows: 10,000 customers, 30,000 orders, 60,000 items.
insert into shop.customers (email, name, birth_date, is_business, credit_limit, tags, preferences, created_at)
select
  'customer' || n || '@example.com',
  (array['Ada', 'Grace', 'Edsger', 'Barbara', 'Tony', 'Åsa', '美咲', 'Zoë'])[1 + n % 8] || ' ' || n,
  case when n % 7 > 0 then date '1950-01-01' + n % 20000 end,
  n % 11 = 0,
  case when n % 3 > 0 then (n % 5000) + 0.25 end,
  case n % 4 when 0 then array[]::text[] when 1 then array['new'] when 2 then array['gold', 'early'] else array['a "quoted", one'] end,
  case when n % 5 > 0 then jsonb_build_object('newsletter', n % 2 = 0, 'language', (array['en', 'de', 'ja'])[1 + n % 3]) end,
  timestamptz '2024-01-01 00:00:00.123456+00' + n * interval '7 minutes'
from generate_series(1, 10000) as n;

insert into shop.orders (customer_id, status, ordered_at, deliver_after, weight_kg, total, note)
select
  1 + (n * 7919) % 10000,
  (array['new', 'paid', 'shipped', 'delivered', 'returned'])[1 + n % 5]::shop.order_status,
  timestamp '2025-01-01 08:00:00.000001' + n * interval '61 seconds',
  case when n % 4 > 0 then time '06:30' + (n % 720) * interval '1 minute' end,
  case when n % 9 > 0 then round((n % 4000) / 37.0, 3)::double precision end,
  (n % 90000) / 100.0,
  case n % 6 when 0 then 'Ring twice.' when 1 then E'Leave with the neighbour,\nsecond floor' end
from generate_series(1, 30000) as n;

insert into shop.order_items (order_id, line, sku, quantity, unit_price, picture)
select
  1 + (n - 1) / 2,
  1 + (n - 1) % 2,
  'SKU-' || lpad((n * 31 % 9973)::text, 6, '0'),
  1 + n % 9,
  (n % 20000) / 100.0,
  case when n % 13 = 0 then decode(md5(n::text), 'hex') end
from generate_series(1, 60000) as n;

analyze shop.customers, shop.orders, shop.order_items;
