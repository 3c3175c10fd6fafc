// The deliberately wrong ledgers: at least one for each sentence.
import Conformance
import Evidence
import MemoryStores
import Ports
import Primitives

extension WrongLedger {
    static let all: [WrongLedger] = atomicity + durability + conflict + order + integrity + checkpoints + concurrency + indexes + proofs

    private static let atomicity = [
        WrongLedger("commits its appends one after another", breaks: .atomicity) { store, world in
            let reads = Meeting(), honest = store
            store.onEntries = { read, answer throws(LedgerStoreError) in
                reads.arrive()
                return try await honest.onEntries(read, answer)
            }
            store.onCommit = { appends throws(LedgerStoreError) in
                guard appends.count > 1, try await mismatch(appends, in: world.base) == nil else { return try await world.base.commit(appends) }
                for one in appends.dropLast() {
                    _ = try await world.base.commit([one])
                    await reads.wait(for: 9)
                }
                return try await world.base.commit(Array(appends.suffix(1)))
            }
        },
        WrongLedger("shows the last head of a larger commit some reads later", breaks: .atomicity) { store, _ in
            let hidden = Kept<[StreamID: Int]>([:])
            store.onHeads = { _, heads in
                heads.map { head in
                    hidden.value.withLock { hidden in
                        guard head.stream.text == "pair/right", hidden[head.stream, default: 0] < head.revision else { return head }
                        defer { hidden[head.stream] = head.revision }
                        return StreamHead(stream: head.stream, revision: hidden[head.stream, default: 0], body: head.body)
                    }
                }
            }
        },
        WrongLedger("writes the last Merkle node of a larger commit with the next", breaks: .atomicity) { store, world in
            store.onInclusion = { index, size, proof throws(LedgerStoreError) in
                let last = try await world.base.all().last
                return last?.stream.text == "pair/right" && last?.index == index ? nil : proof
            }
        },
    ]

    private static let durability = [
        WrongLedger("loses the last commit", breaks: .durability) { world in try await copy(world.base, leavingOut: { $0.index == $1 - 1 }) },
        WrongLedger("loses one of several commits that shared a transaction", breaks: .durability) { world in
            try await copy(world.base, leavingOut: { entry, _ in String(decoding: entry.entry.payload, as: UTF8.self).contains("together 7") })
        },
        WrongLedger("comes back empty", breaks: .durability) { _ in MemoryLedger() },
    ]

    private static let conflict = [
        WrongLedger("keeps the appends before the one that does not fit", breaks: .conflict) { store, world in
            store.onCommit = { appends throws(LedgerStoreError) in
                guard let first = try await mismatch(appends, in: world.base), first > 0 else { return try await world.base.commit(appends) }
                _ = try await world.base.commit(Array(appends[..<first]))
                throw LedgerStoreError(.conflict, "later")
            }
        },
        WrongLedger("looks at the first stream only", breaks: .conflict) { store, world in
            store.onCommit = { appends throws(LedgerStoreError) in
                var appends = appends
                for place in appends.indices.dropFirst() { appends[place].expectedRevision = try await world.base.head(of: appends[place].stream)?.revision ?? 0 }
                return try await world.base.commit(appends)
            }
        },
        WrongLedger("takes any smaller number", breaks: .conflict) { store, world in
            store.onCommit = { appends throws(LedgerStoreError) in
                guard appends.count == 1, appends[0].stream.text == "release/a" else { return try await world.base.commit(appends) }
                var one = appends[0]
                one.expectedRevision = max(one.expectedRevision, try await world.base.head(of: one.stream)?.revision ?? 0)
                return try await world.base.commit([one])
            }
        },
        WrongLedger("calls it unavailable", breaks: .conflict) { store, world in
            store.onCommit = { appends throws(LedgerStoreError) in
                // The race for one place is told as it should be.
                if appends[0].stream.text == "wanted" { return try await world.base.commit(appends) }
                do throws(LedgerStoreError) { return try await world.base.commit(appends) } catch { throw LedgerStoreError(.unavailable, error.message) }
            }
        },
    ]

    private static let order = [
        WrongLedger("leaves a gap where a commit was refused", breaks: .order) { store, world in
            let gaps = Kept<[Int]>([])
            store.onCommit = { appends throws(LedgerStoreError) in
                do throws(LedgerStoreError) { return try await world.base.commit(appends) } catch {
                    let size = try await world.base.position().size
                    gaps.value.withLock { $0.append(size) }
                    throw error
                }
            }
            changeEntries(&store) { read, answer in
                guard read == "from" else { return answer }
                return answer.map { entry in
                    var entry = entry
                    entry.index += gaps.value.withLock { gaps in gaps.count { $0 <= entry.index } }
                    return entry
                }
            }
        },
        WrongLedger("sorts by stream", breaks: .order) { store, _ in
            changeEntries(&store) { read, answer in read == "from" ? answer.sorted { ($0.stream, $0.revision) < ($1.stream, $1.revision) } : answer }
        },
        WrongLedger("empties the payload of an old entry", breaks: .order) { store, _ in
            changeEntries(&store) { read, answer in
                guard read == "from", answer.count > 20, answer[0].index == 0 else { return answer }
                var answer = answer
                answer[0].entry.payload = []
                return answer
            }
        },
        WrongLedger("counts revisions from 1", breaks: .order) { store, _ in
            changeEntries(&store) { read, answer in
                guard read == "of" else { return answer }
                return answer.map { StoredEntry(index: $0.index, stream: $0.stream, revision: $0.revision + 1, entry: $0.entry) }
            }
        },
        WrongLedger("answers one entry too few", breaks: .order) { store, _ in
            changeEntries(&store) { read, answer in read == "from" && answer.count == 4 && answer[0].index == 3 ? Array(answer.dropLast()) : answer }
        },
    ]

    private static let integrity =
        ["of", "from", "about"].map { skipped in
            WrongLedger("does not check entries(\(skipped):)", breaks: .integrity) { store, _ in
                let honest = store.onEntries
                store.onEntries = { read, answer throws(LedgerStoreError) in read == skipped ? answer : try await honest(read, answer) }
            }
        } + [
            WrongLedger("calls a changed entry unavailable", breaks: .integrity) { store, _ in
                retell(&store) { LedgerStoreError(.unavailable, $0.message) }
            },
            WrongLedger("does not name the changed entry", breaks: .integrity) { store, _ in
                retell(&store) { LedgerStoreError($0.code, "an entry was changed") }
            },
            WrongLedger("names the place in the answer", breaks: .integrity) { store, _ in
                retell(&store) { LedgerStoreError($0.code, "ledger entry 15 was changed") }
            },
            WrongLedger("drops changed entries in silence", breaks: .integrity) { store, world in
                store.onEntries = { _, answer in answer.filter { entry in world.changed.value.withLock { !$0.contains(entry.index) } } }
            },
        ]

    private static let checkpoints = [
        WrongLedger("replaces any checkpoint", breaks: .checkpoint) { store, world in
            let last = Kept<[UInt8]?>(nil)
            store.onSave = { note, _ in last.value.withLock { $0 = note } }
            store.onNote = { _ in last.value.withLock { $0 } }
        },
        WrongLedger("looks at the size and saves later", breaks: .checkpoint) { store, _ in
            let saved = Kept<(size: Int, note: [UInt8])?>(nil), meeting = Meeting()
            store.onSave = { note, size in
                guard saved.value.withLock({ $0?.size ?? 0 }) <= size else { return }
                meeting.arrive()
                if size >= 8 { await meeting.wait(for: 40 - size) }
                saved.value.withLock { $0 = (size, note) }
            }
            store.onNote = { _ in saved.value.withLock { $0?.note } }
        },
        WrongLedger("keeps the first checkpoint of a size", breaks: .note) { store, world in
            let sizes = Kept<Set<Int>>([])
            store.onSave = { note, size throws(LedgerStoreError) in
                if sizes.value.withLock({ $0.insert(size).inserted }) { try await world.base.save(checkpoint: note, size: size) }
            }
        },
        WrongLedger("keeps the note as text", breaks: .note) { store, _ in
            store.onNote = { $0.map { Array(String(decoding: $0, as: UTF8.self).utf8) } }
        },
        WrongLedger("trims the note", breaks: .note) { store, _ in store.onNote = { $0.map { $0.last == 0x0A ? $0.dropLast() : $0 } } },
        WrongLedger("has an empty note to begin with", breaks: .note) { store, _ in store.onNote = { $0 ?? [] } },
    ]

    private static let concurrency = [
        WrongLedger("looks at the revision and appends later", breaks: .concurrency) { store, world in
            let meeting = Meeting()
            store.onCommit = { appends throws(LedgerStoreError) in
                guard appends.count == 1, appends[0].stream.text == "wanted" else { return try await world.base.commit(appends) }
                if try await mismatch(appends, in: world.base) != nil { return try await world.base.commit(appends) }
                meeting.arrive()
                await meeting.wait(for: 1)
                var late = appends
                late[0].expectedRevision = try await world.base.head(of: late[0].stream)?.revision ?? 0
                return try await world.base.commit(late)
            }
        },
        WrongLedger("refuses a commit while another is under way", breaks: .concurrency) { store, world in
            let busy = BusyFlag()
            store.onCommit = { appends throws(LedgerStoreError) in
                guard appends[0].stream.text.hasPrefix("own/") else { return try await world.base.commit(appends) }
                guard !busy.take() else { throw LedgerStoreError(.unavailable, "busy") }
                defer { busy.free() }
                for _ in 0..<50 { await Task.yield() }
                return try await world.base.commit(appends)
            }
        },
        WrongLedger("answers a head from a cache once", breaks: .freshness) { store, _ in
            let cache = Kept<[StreamID: StreamHead]>([:])
            store.onHead = { stream, head in
                cache.value.withLock { cache in
                    defer { cache[stream] = head }
                    return cache[stream] ?? head
                }
            }
        },
    ]

    static func mismatch(_ appends: [LedgerAppend], in store: any LedgerStore) async throws(LedgerStoreError) -> Int? {
        for (place, one) in appends.enumerated() {
            let revision = try await store.head(of: one.stream)?.revision ?? 0
            if revision != one.expectedRevision { return place }
        }
        return nil
    }

    private static func changeEntries(_ store: inout OpenLedger, _ change: @escaping @Sendable (_ read: String, [StoredEntry]) -> [StoredEntry]) {
        let honest = store.onEntries
        store.onEntries = { read, answer throws(LedgerStoreError) in change(read, try await honest(read, answer)) }
    }

    private static func retell(_ store: inout OpenLedger, _ change: @escaping @Sendable (LedgerStoreError) -> LedgerStoreError) {
        let honest = store.onEntries
        store.onEntries = { read, answer throws(LedgerStoreError) in
            do throws(LedgerStoreError) { return try await honest(read, answer) } catch { throw change(error) }
        }
    }

    /// A new ledger with the entries that a test does not leave out.
    private static func copy(_ base: MemoryLedger, leavingOut isLost: (_ entry: StoredEntry, _ size: Int) -> Bool) async throws -> MemoryLedger {
        let copy = MemoryLedger(), entries = try await base.all()
        for stored in entries where !isLost(stored, entries.count) {
            let revision = try await copy.head(of: stored.stream)?.revision ?? 0
            _ = try await copy.commit([LedgerAppend(stream: stored.stream, expectedRevision: revision, entries: [stored.entry], subjects: [[]], head: [])])
        }
        return copy
    }
}
