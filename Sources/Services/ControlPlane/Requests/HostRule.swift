// Which Host headers are meant for this server: the guard against DNS rebinding.

/// Accepts the loopback names and the bound address, with any port. A page in a browser that had its own name resolved to this
/// machine sends that name, and is refused.
struct HostRule: Sendable {
    private var names: Set<String>

    init(boundHost: String) {
        names = ["localhost", "127.0.0.1", "[::1]", boundHost.contains(":") ? "[\(boundHost)]" : boundHost]
    }

    func accepts(_ authority: String) -> Bool {
        let text = authority.lowercased()
        var name = Substring(text)
        if let colon = text.lastIndex(of: ":"), !text.hasSuffix("]") {
            let port = text[text.index(after: colon)...]
            guard (1...5).contains(port.utf8.count), port.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else { return false }
            name = text[..<colon]
        }
        return names.contains(String(name))
    }
}
