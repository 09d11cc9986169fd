// franz-go: arguments are the bootstrap servers and a name.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"reflect"
	"runtime/debug"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

const patience = 90 * time.Second

var (
	bootstrap, name = os.Args[1], os.Args[2]
	ctx             = context.Background()
	admin           = kadm.NewClient(client())
)

func main() {
	fmt.Println("version", version())
	for _, step := range []struct {
		name string
		run  func()
	}{
		{"topics", topics},
		{"configs", configs},
		{"produce and consume with keys, headers and each codec", produce},
		{"a group with commits, and takeover when a member leaves", func() { group("cooperative", kgo.CooperativeStickyBalancer()) }},
		{"the same with range", func() { group("range", kgo.RangeBalancer()) }},
		{"groups described and deleted", groups},
		{"records deleted", deleteRecords},
		{"transactions, with offsets", transactions},
		{"log folders described", logDirs},
	} {
		step.run()
		fmt.Println("ok", step.name)
	}
}

func version() string {
	info, _ := debug.ReadBuildInfo()
	for _, module := range info.Deps {
		if module.Path == "github.com/twmb/franz-go" {
			return module.Version
		}
	}
	panic("franz-go is not among the modules of this program")
}

func client(options ...kgo.Opt) *kgo.Client {
	return must(kgo.NewClient(append(options, kgo.SeedBrokers(bootstrap))...))
}

func must[T any](value T, err error) T {
	check(err)
	return value
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func equal(found, expected any) {
	if !reflect.DeepEqual(found, expected) {
		panic(fmt.Sprintf("expected %v, found %v", expected, found))
	}
}

func create(topic string, partitions int32) {
	check(must(admin.CreateTopic(ctx, partitions, 1, nil, topic)).Err)
}

// The first records of a topic's one partition.
func read(topic string, count int, options ...kgo.Opt) []*kgo.Record {
	start := kgo.ConsumeResetOffset(kgo.NewOffset().AtStart())
	reader := client(append(options, kgo.ConsumeTopics(topic), start)...)
	defer reader.Close()
	limit, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var found []*kgo.Record
	for len(found) < count {
		fetches := reader.PollFetches(limit)
		check(fetches.Err())
		found = append(found, fetches.Records()...)
	}
	return found
}

func values(records []*kgo.Record) []string {
	var texts []string
	for _, record := range records {
		texts = append(texts, string(record.Value))
	}
	return texts
}

func topics() {
	topic := name + "-topic"
	create(topic, 2)
	check(must(admin.UpdatePartitions(ctx, 3, topic))[topic].Err)
	equal(len(must(admin.ListTopics(ctx, topic))[topic].Partitions), 3)
	check(must(admin.DeleteTopic(ctx, topic)).Err)
	equal(must(admin.ListTopics(ctx)).Has(topic), false)
}

func configs() {
	topic, value := name+"-configs", "3600000"
	create(topic, 1)
	change := []kadm.AlterConfig{{Op: kadm.SetConfig, Name: "retention.ms", Value: &value}}
	check(must(must(admin.AlterTopicConfigs(ctx, change, topic)).On(topic, nil)).Err)
	described := must(must(admin.DescribeTopicConfigs(ctx, topic)).On(topic, nil))
	for _, config := range described.Configs {
		if config.Key == "retention.ms" {
			equal(config.MaybeValue(), value)
			return
		}
	}
	panic("retention.ms is not described")
}

func produce() {
	codecs := map[string]kgo.CompressionCodec{
		"none": kgo.NoCompression(), "gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(),
		"lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression(),
	}
	for codec, compression := range codecs {
		topic := name + "-" + codec
		create(topic, 1)
		writer := client(kgo.ProducerBatchCompression(compression), kgo.ProducerLinger(50*time.Millisecond))
		var records []*kgo.Record
		for at := range 200 {
			records = append(records, &kgo.Record{
				Topic: topic, Key: fmt.Appendf(nil, "k%d", at), Value: fmt.Appendf(nil, "%s %d é", name, at),
				Headers: []kgo.RecordHeader{{Key: "origin", Value: []byte(name)}},
			})
		}
		check(writer.ProduceSync(ctx, records...).FirstErr())
		writer.Close()
		for at, record := range read(topic, len(records)) {
			equal([]any{record.Key, record.Value, record.Headers}, []any{records[at].Key, records[at].Value, records[at].Headers})
		}
	}
}

// The values that the members of a group have taken, with the commit that makes them theirs.
type taken struct {
	sync.Mutex
	changed chan struct{}
	values  []int
}

func (t *taken) add(values []int) {
	t.Lock()
	t.values = append(t.values, values...)
	t.Unlock()
	select {
	case t.changed <- struct{}{}:
	default:
	}
}

func (t *taken) count() int {
	t.Lock()
	defer t.Unlock()
	return len(t.values)
}

func (t *taken) until(what string, condition func() bool) {
	late := time.After(patience)
	for !condition() {
		select {
		case <-t.changed:
		case <-late:
			panic("in vain: " + what)
		}
	}
}

type member struct {
	client   *kgo.Client
	assigned atomic.Int32
	stopped  chan struct{}
}

func join(groupID, topic string, balancer kgo.GroupBalancer, took *taken) *member {
	one := &member{stopped: make(chan struct{})}
	count := func(sign int32) func(context.Context, *kgo.Client, map[string][]int32) {
		return func(_ context.Context, _ *kgo.Client, partitions map[string][]int32) {
			one.assigned.Add(sign * int32(len(partitions[topic])))
			took.add(nil)
		}
	}
	one.client = client(
		kgo.ConsumerGroup(groupID), kgo.ConsumeTopics(topic), kgo.Balancers(balancer), kgo.DisableAutoCommit(),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.BlockRebalanceOnPoll(),
		kgo.OnPartitionsAssigned(count(1)), kgo.OnPartitionsRevoked(count(-1)), kgo.OnPartitionsLost(count(-1)),
	)
	go func() {
		defer close(one.stopped)
		for {
			records := one.client.PollRecords(ctx, 20)
			if records.IsClientClosed() {
				return
			}
			check(records.Err())
			check(one.client.CommitRecords(ctx, records.Records()...))
			var values []int
			for _, record := range records.Records() {
				values = append(values, must(strconv.Atoi(string(record.Value))))
			}
			took.add(values)
			one.client.AllowRebalance()
		}
	}()
	return one
}

func (m *member) leave() {
	m.client.CloseAllowingRebalance()
	<-m.stopped
}

func group(kind string, balancer kgo.GroupBalancer) {
	topic, groupID := name+"-group-"+kind, name+"-members-"+kind
	create(topic, 4)
	writer := client(kgo.RecordPartitioner(kgo.ManualPartitioner()))
	defer writer.Close()
	send := func(first int) {
		var records []*kgo.Record
		for at := first; at < first+100; at++ {
			records = append(records, &kgo.Record{Topic: topic, Partition: int32(at % 4), Value: []byte(strconv.Itoa(at))})
		}
		check(writer.ProduceSync(ctx, records...).FirstErr())
	}
	took := &taken{changed: make(chan struct{}, 1)}
	send(0)
	one := join(groupID, topic, balancer, took)
	took.until("the first member reads alone", func() bool { return took.count() >= 100 })
	two := join(groupID, topic, balancer, took)
	took.until("the members share", func() bool { return one.assigned.Load() == 2 && two.assigned.Load() == 2 })
	send(100)
	took.until("both read", func() bool { return took.count() >= 200 })
	one.leave()
	send(200)
	took.until("the second takes over", func() bool { return took.count() >= 300 && two.assigned.Load() == 4 })
	two.leave()
	slices.Sort(took.values)
	var expected []int
	for at := range 300 {
		expected = append(expected, at)
	}
	equal(took.values, expected)
	offsets := must(admin.FetchOffsets(ctx, groupID))
	for partition := range int32(4) {
		offset, _ := offsets.Lookup(topic, partition)
		equal(offset.At, int64(75))
	}
}

func groups() {
	groupID := name + "-members-range"
	equal(must(admin.DescribeGroups(ctx, groupID))[groupID].State, "Empty")
	check(must(admin.DeleteGroup(ctx, groupID)).Err)
	_, listed := must(admin.ListGroups(ctx))[groupID]
	equal(listed, false)
}

func deleteRecords() {
	topic := name + "-none"
	offsets := kadm.Offsets{}
	offsets.AddOffset(topic, 0, 50, -1)
	check(must(admin.DeleteRecords(ctx, offsets)).Error())
	first, _ := must(admin.ListStartOffsets(ctx, topic)).Lookup(topic, 0)
	equal(first.Offset, int64(50))
}

// Copies a topic in transactions, of which one is aborted: what it took comes again.
func transactions() {
	source, target, groupID := name+"-source", name+"-target", name+"-copiers"
	create(source, 1)
	create(target, 1)
	writer := client(kgo.DefaultProduceTopic(source))
	defer writer.Close()
	var expected []string
	for at := range 100 {
		expected = append(expected, strconv.Itoa(at))
		check(writer.ProduceSync(ctx, kgo.StringRecord(expected[at])).FirstErr())
	}
	session := must(kgo.NewGroupTransactSession(
		kgo.SeedBrokers(bootstrap), kgo.TransactionalID(name+"-id"), kgo.ConsumerGroup(groupID),
		kgo.ConsumeTopics(source), kgo.DefaultProduceTopic(target), kgo.RequireStableFetchOffsets(),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
	))
	defer session.Close()
	limit, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for copied, aborted := 0, false; copied < len(expected); {
		fetches := session.PollRecords(limit, 30)
		check(fetches.Err())
		check(session.Begin())
		for _, record := range fetches.Records() {
			session.Produce(ctx, kgo.SliceRecord(record.Value), nil)
		}
		// What is not sent when a transaction is aborted never is.
		check(session.Client().Flush(ctx))
		if copied >= 30 && !aborted {
			aborted = true
			equal(must(session.End(ctx, kgo.TryAbort)), false)
			continue
		}
		if !must(session.End(ctx, kgo.TryCommit)) {
			panic(errors.New("the transaction was not committed"))
		}
		copied += fetches.NumRecords()
	}
	equal(values(read(target, 100, kgo.FetchIsolationLevel(kgo.ReadCommitted()))), expected)
	if all := read(target, 101); len(all) <= 100 {
		panic("nothing was aborted")
	}
	offset, _ := must(admin.FetchOffsets(ctx, groupID)).Lookup(source, 0)
	equal(offset.At, int64(100))
}

func logDirs() {
	topic := name + "-none"
	described := must(admin.DescribeAllLogDirs(ctx, nil))
	found := false
	described.Each(func(dir kadm.DescribedLogDir) {
		check(dir.Err)
		_, has := dir.Topics[topic]
		found = found || has
	})
	equal(found, true)
}
