// Ports of this machine: free ones, taken ones, and one request over the wire.
import Foundation

enum Ports {
    /// Bound to a free port of loopback; listening when it is to look taken.
    final class Taken: Sendable {
        let port: Int
        private let descriptor: Int32

        init(isListening: Bool = true) throws {
            descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            var address = Ports.loopback(0)
            var length = socklen_t(MemoryLayout<sockaddr_in>.size)
            let descriptor = descriptor
            let isBound = withUnsafeMutablePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, length) == 0 && getsockname(descriptor, $0, &length) == 0 }
            }
            guard isBound, !isListening || listen(descriptor, 8) == 0 else { throw ProgramError(description: "no port of 127.0.0.1 can be bound") }
            port = Int(UInt16(bigEndian: address.sin_port))
        }

        deinit { close(descriptor) }

        var address: String { "127.0.0.1:\(port)" }
    }

    /// Addresses that were free a moment ago, all different.
    static func free(_ count: Int) throws -> [String] {
        let taken = try (0..<count).map { _ in try Taken(isListening: false) }
        return taken.map(\.address)
    }

    static func loopback(_ port: Int) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        return address
    }

    /// Sends these bytes as they are and reads until the other side closes; the answer as text.
    static func exchange(_ bytes: [UInt8], with address: String) throws -> String {
        let port = Int(address.split(separator: ":").last ?? "") ?? 0
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var target = loopback(port)
        let isConnected = withUnsafePointer(to: &target) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0 }
        }
        guard isConnected else { throw ProgramError(description: "nobody listens at \(address)") }
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            // A server that has refused may close before it has read everything.
            if count <= 0 { break }
            sent += count
        }
        var answer: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 4096)
        while case let count = recv(descriptor, &piece, piece.count, 0), count > 0 { answer += piece[..<count] }
        return String(decoding: answer, as: UTF8.self)
    }
}

/// Processes whose command line names a path.
enum Processes {
    static func naming(_ path: String) -> [Int32] {
        ((try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []).compactMap { Int32($0) }.filter { process in
            // Read to its end, not to its size, which the kernel gives as 0.
            guard let line = try? FileHandle(forReadingAtPath: "/proc/\(process)/cmdline")?.readToEnd() else { return false }
            return String(decoding: line, as: UTF8.self).contains(path)
        }
    }

    /// For the end of a test whose program left something running: the test has failed by then, and nothing may be left.
    static func end(naming path: String) { for process in naming(path) { kill(process, SIGKILL) } }
}
