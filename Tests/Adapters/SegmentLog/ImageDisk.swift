// A disk in memory that knows what of it is durable, fails when it is told to, and whose power can be cut.
import SegmentLog
import Synchronization

/// Between a write and its sync, any 512-byte sector may have arrived or not, and the file's size may be the old one, the new one or one between; names
/// likewise until the folder is synced.
final class ImageDisk: LogDisk {
    /// What changes the disk.
    enum Operation: Hashable, Sendable, CaseIterable { case create, write, truncate, sync, rename, remove, syncFolder }

    struct Body: Sendable {
        var live: [UInt8] = []
        var synced: [UInt8] = []
        /// Sectors of `live` that were written since the last sync.
        var dirty: Set<Int> = []
        /// What `live` was before it was truncated, while that is not synced: it may come back.
        var beforeTruncation: [UInt8]?
    }

    private enum Change: Sendable {
        case add(String, Int)
        case remove(String)
        case rename(String, String)
    }

    private struct Fault: Sendable {
        var operations: Set<Operation>
        /// How many of these still pass.
        var left: Int
        var isOnce: Bool
        var isFull: Bool
    }

    private struct World: Sendable {
        var files: [Int: Body] = [:]
        var names: [String: Int] = [:]
        var syncedNames: [String: Int] = [:]
        var changes: [Change] = []
        var isClaimed = false
        var counts: [Operation: Int] = [:]
        var fault: Fault?
        var room: Int?
        /// Operations until the power is cut.
        var left: Int?
        var isDead = false

        var used: Int { names.values.reduce(0) { $0 + (files[$1]?.live.count ?? 0) } }

        mutating func apply(_ change: Change) {
            changes.append(change)
            Self.apply(change, to: &names)
        }

        static func apply(_ change: Change, to names: inout [String: Int]) {
            switch change {
            case .add(let name, let file): names[name] = file
            case .remove(let name): names[name] = nil
            case .rename(let name, let newName):
                guard let file = names.removeValue(forKey: name) else { return }
                names[newName] = file
            }
        }
    }

    private static let sectorBytes = 512
    private let world = Mutex(World())
    /// Operations that say they are done and are not: for proving that the tests would see it.
    private let lies: Set<Operation>
    /// Called on the log's thread before a file's sync.
    let onSync = Mutex<(@Sendable () -> Void)?>(nil)

    init(_ files: [String: [UInt8]] = [:], lying lies: Set<Operation> = []) {
        self.lies = lies
        world.withLock { world in
            for (index, file) in files.sorted(by: { $0.key < $1.key }).enumerated() {
                world.files[index] = Body(live: file.value, synced: file.value)
                world.names[file.key] = index
            }
            world.syncedNames = world.names
        }
    }

    // MARK: What a test does

    /// The files as a process sees them.
    var files: [String: [UInt8]] { world.withLock { world in world.names.mapValues { world.files[$0]?.live ?? [] } } }

    func set(_ name: String, _ bytes: [UInt8]) {
        world.withLock { world in
            guard let file = world.names[name] else { return }
            world.files[file] = Body(live: bytes, synced: bytes)
        }
    }

    func count(_ operations: Operation...) -> Int { world.withLock { world in operations.reduce(0) { $0 + (world.counts[$1] ?? 0) } } }

    var operations: Int { world.withLock { $0.counts.values.reduce(0, +) } }

    /// Lets `count` of these pass, then fails one, or all from there on. A failing write arrives by half.
    func fail(_ operations: Set<Operation>, after count: Int = 0, once isOnce: Bool = false, full isFull: Bool = false) {
        world.withLock { $0.fault = Fault(operations: operations, left: count, isOnce: isOnce, isFull: isFull) }
    }

    func heal() { world.withLock { ($0.fault, $0.room) = (nil, nil) } }

    /// So many bytes more fit.
    func limit(to bytes: Int) { world.withLock { $0.room = $0.used + bytes } }

    /// Lets `operations` pass and cuts the power in the middle of the next.
    func cutPower(after operations: Int) { world.withLock { $0.left = operations } }

    var isDead: Bool { world.withLock { $0.isDead } }

    /// What a power cut leaves; anything between all and nothing of what was not synced.
    func afterPowerCut(using generator: inout some RandomNumberGenerator) -> ImageDisk {
        let world = world.withLock { $0 }
        let chances: [Double] = [0, 0.5, 0.5, 0.9, 1]
        let chance = chances.randomElement(using: &generator) ?? 0
        var names = world.syncedNames
        for change in world.changes where Double.random(in: 0..<1, using: &generator) < chance { World.apply(change, to: &names) }
        var files: [String: [UInt8]] = [:]
        for (name, file) in names.sorted(by: { $0.key < $1.key }) { files[name] = Self.survivor(of: world.files[file] ?? Body(), chance, using: &generator) }
        return ImageDisk(files, lying: lies)
    }

    /// What a killed process leaves to the next: what is in memory and what is durable stay apart.
    func afterKill() -> ImageDisk {
        let disk = ImageDisk(lying: lies)
        let now = world.withLock { $0 }
        disk.world.withLock { world in
            (world.files, world.names, world.syncedNames, world.changes) = (now.files, now.names, now.syncedNames, now.changes)
        }
        return disk
    }

    private static func survivor(of body: Body, _ chance: Double, using generator: inout some RandomNumberGenerator) -> [UInt8] {
        var body = body
        if let before = body.beforeTruncation, Double.random(in: 0..<1, using: &generator) < 0.5 { body.live = before }
        let (old, new) = (body.synced.count, body.live.count)
        let size: Int
        switch Double.random(in: 0..<1, using: &generator) {
        case ..<(chance * 0.8): size = new
        case ..<chance: size = Int.random(in: min(old, new)...max(old, new), using: &generator)
        default: size = old
        }
        var bytes = [UInt8](repeating: 0, count: size)
        for sector in 0..<(size + sectorBytes - 1) / sectorBytes {
            let source = body.dirty.contains(sector) && Double.random(in: 0..<1, using: &generator) < chance ? body.live : body.synced
            let range = sector * sectorBytes..<min(size, (sector + 1) * sectorBytes)
            for index in range where index < source.count { bytes[index] = source[index] }
        }
        return bytes
    }

    // MARK: What the log does

    /// Counts one operation and carries it out; cuts the power in its middle when it is time.
    private func operate(_ operation: Operation, _ body: (inout sending World) throws(DiskFailure) -> Void) throws(DiskFailure) {
        let result = world.withLock { world -> Result<Void, DiskFailure> in
            guard !world.isDead else { return .failure(DiskFailure(isFull: false, "the power is off")) }
            world.counts[operation, default: 0] += 1
            if let left = world.left {
                world.left = left - 1
                if left == 0 {
                    world.isDead = true
                    // What makes durable has not done so; what changes may have.
                    if operation != .sync && operation != .syncFolder { do throws(DiskFailure) { try body(&world) } catch {} }
                    return .failure(DiskFailure(isFull: false, "the power was cut"))
                }
            }
            do throws(DiskFailure) { return .success(try body(&world)) } catch { return .failure(error) }
        }
        try result.get()
    }

    private static func fault(_ operation: Operation, _ world: inout World) -> DiskFailure? {
        guard var fault = world.fault, fault.operations.contains(operation) else { return nil }
        guard fault.left == 0 else {
            fault.left -= 1
            world.fault = fault
            return nil
        }
        if fault.isOnce { world.fault = nil }
        return DiskFailure(isFull: fault.isFull, "\(operation) failed as told")
    }

    func claim() throws(DiskFailure) {
        guard
            world.withLock({ world in
                defer { world.isClaimed = true }
                return !world.isClaimed
            })
        else { throw DiskFailure(isFull: false, "it is open already") }
    }

    func release() { world.withLock { $0.isClaimed = false } }

    func names() throws(DiskFailure) -> [String] { world.withLock { Array($0.names.keys) } }

    func open(_ name: String, _ mode: OpeningMode) throws(DiskFailure) -> any LogFile {
        let found = world.withLock { $0.names[name] }
        switch (mode, found) {
        case (.existing, nil): throw DiskFailure(isFull: false, "\(name) is not there")
        case (.new, _?): throw DiskFailure(isFull: false, "\(name) is there")
        case (.existing, let file?): return ImageFile(disk: self, file: file)
        case (.replacing, let file?):
            try operate(.truncate) { world throws(DiskFailure) in
                if let failure = Self.fault(.truncate, &world) { throw failure }
                world.files[file]?.live = []
            }
            return ImageFile(disk: self, file: file)
        case (_, nil):
            let file = world.withLock { $0.files.count }
            try operate(.create) { world throws(DiskFailure) in
                if let failure = Self.fault(.create, &world) { throw failure }
                world.files[file] = Body()
                world.apply(.add(name, file))
            }
            return ImageFile(disk: self, file: file)
        }
    }

    func rename(_ name: String, to newName: String) throws(DiskFailure) {
        try operate(.rename) { world throws(DiskFailure) in
            if let failure = Self.fault(.rename, &world) { throw failure }
            world.apply(.rename(name, newName))
        }
    }

    func remove(_ name: String) throws(DiskFailure) {
        try operate(.remove) { world throws(DiskFailure) in
            if let failure = Self.fault(.remove, &world) { throw failure }
            world.apply(.remove(name))
        }
    }

    func syncFolder() throws(DiskFailure) {
        try operate(.syncFolder) { world throws(DiskFailure) in
            if let failure = Self.fault(.syncFolder, &world) { throw failure }
            guard !lies.contains(.syncFolder) else { return }
            world.syncedNames = world.names
            world.changes = []
        }
    }

    // MARK: Of one file

    fileprivate func body(_ file: Int) -> Body { world.withLock { $0.files[file] ?? Body() } }

    fileprivate func write(_ bytes: [UInt8], at offset: Int, to file: Int) throws(DiskFailure) {
        try operate(.write) { world throws(DiskFailure) in
            var failure = Self.fault(.write, &world)
            var count = failure == nil ? bytes.count : bytes.count / 2
            let growth = offset + count - (world.files[file]?.live.count ?? 0)
            if let room = world.room, world.used + growth > room {
                count = max(0, count - (world.used + growth - room))
                failure = DiskFailure(isFull: true, "no space is left")
            }
            world.files[file]?.put(bytes[..<count], at: offset, sectorBytes: Self.sectorBytes)
            if let failure { throw failure }
        }
    }

    fileprivate func truncate(_ file: Int, to size: Int) throws(DiskFailure) {
        try operate(.truncate) { world throws(DiskFailure) in
            if let failure = Self.fault(.truncate, &world) { throw failure }
            let before = world.files[file]?.live ?? []
            world.files[file]?.live = Array(before.prefix(size))
            world.files[file]?.beforeTruncation = before
        }
    }

    /// After a failure the file counts as clean, as on Linux: a second sync would say that all is well.
    fileprivate func sync(_ file: Int) throws(DiskFailure) {
        onSync.withLock { $0 }?()
        try operate(.sync) { world throws(DiskFailure) in
            if let failure = Self.fault(.sync, &world) {
                world.files[file]?.dirty = []
                throw failure
            }
            guard !lies.contains(.sync) else { return }
            world.files[file]?.settle(sectorBytes: Self.sectorBytes)
        }
    }
}

extension ImageDisk.Body {
    fileprivate mutating func put(_ bytes: ArraySlice<UInt8>, at offset: Int, sectorBytes: Int) {
        guard !bytes.isEmpty else { return }
        if live.count < offset + bytes.count { live += [UInt8](repeating: 0, count: offset + bytes.count - live.count) }
        live.replaceSubrange(offset..<offset + bytes.count, with: bytes)
        beforeTruncation = nil
        for sector in offset / sectorBytes...(offset + bytes.count - 1) / sectorBytes { dirty.insert(sector) }
    }

    /// Only what is dirty is written: what an earlier failure made clean never arrives.
    fileprivate mutating func settle(sectorBytes: Int) {
        synced.removeLast(max(0, synced.count - live.count))
        synced += [UInt8](repeating: 0, count: live.count - synced.count)
        for sector in dirty {
            let start = sector * sectorBytes, range = start..<max(start, min(live.count, start + sectorBytes))
            if !range.isEmpty { synced.replaceSubrange(range, with: live[range]) }
        }
        dirty = []
        beforeTruncation = nil
    }
}

private final class ImageFile: LogFile {
    private let disk: ImageDisk
    private let file: Int

    init(disk: ImageDisk, file: Int) {
        self.disk = disk
        self.file = file
    }

    func size() throws(DiskFailure) -> Int { disk.body(file).live.count }

    func read(at offset: Int, count: Int) throws(DiskFailure) -> [UInt8] {
        let bytes = disk.body(file).live
        return offset < bytes.count ? Array(bytes[offset..<min(bytes.count, offset + count)]) : []
    }

    func write(_ bytes: [UInt8], at offset: Int) throws(DiskFailure) { try disk.write(bytes, at: offset, to: file) }
    func truncate(to size: Int) throws(DiskFailure) { try disk.truncate(file, to: size) }
    func sync() throws(DiskFailure) { try disk.sync(file) }
}
