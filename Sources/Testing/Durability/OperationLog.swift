// What the shim wrote down, in the order in which it happened.
private import Foundation

struct Operation {
    enum Kind: UInt8 {
        case acknowledge = 0x61  // a
        case create = 0x63  // c
        case openFolder = 0x64  // d
        case makeFolder = 0x6D  // m
        case rename = 0x72  // r
        case sync = 0x73  // s
        case truncate = 0x74  // t
        case unlink = 0x75  // u
        case write = 0x77  // w
    }

    var kind: Kind
    /// The file's number in the file system: a name may change while it is open.
    var node: UInt64
    /// Where a write begins, or the size that is left.
    var offset: Int
    /// The bytes of a write, the text of an acknowledgement, or a name.
    var first: [UInt8]
    /// The new name.
    var second: [UInt8]

    var name: String { String(decoding: first, as: UTF8.self) }
    var newName: String { String(decoding: second, as: UTF8.self) }

    static func read(_ path: String) throws -> [Operation] {
        let bytes = [UInt8](try Data(contentsOf: URL(filePath: path)))
        var operations: [Operation] = [], place = 0
        func number(_ offset: Int) -> UInt64 { (0..<8).reduce(0) { $0 | UInt64(bytes[place + 1 + offset * 8 + $1]) << (8 * UInt64($1)) } }
        while place + 33 <= bytes.count {
            let first = Int(number(2)), second = Int(number(3)), start = place + 33
            guard let kind = Kind(rawValue: bytes[place]), start + first + second <= bytes.count else { throw CocoaError(.fileReadCorruptFile) }
            operations.append(
                Operation(
                    kind: kind, node: number(0), offset: Int(number(1)), first: Array(bytes[start..<start + first]),
                    second: Array(bytes[(start + first)..<(start + first + second)])))
            place = start + first + second
        }
        return operations
    }
}

/// The lines that a writer had written when it lost its disk.
struct Acknowledged {
    var artifacts = 0
    var entries = 0
    var checkpoint = 0
    var rows = 0
    var files = 0
    var frames: UInt64 = 0
    var refusals = 0

    mutating func read(_ text: [UInt8]) {
        for line in String(decoding: text, as: UTF8.self).split(separator: "\n") {
            let words = line.split(separator: " ", maxSplits: 1), number = words.count == 2 ? Int(words[1]) : nil
            switch (words[0], number) {
            case ("artifact", let number?): artifacts = max(artifacts, number + 1)
            case ("entry", let number?): entries = max(entries, number + 1)
            case ("checkpoint", let number?): checkpoint = max(checkpoint, number)
            case ("row", let number?): rows = max(rows, number + 1)
            case ("file", let number?): files = max(files, number + 1)
            case ("frame", let number?): frames = max(frames, UInt64(clamping: number))
            default: refusals += 1
            }
        }
    }
}
