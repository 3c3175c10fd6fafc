// What code may do by the layer it stands in, where the compiler would let it do more.

enum LayerRules {
    /// C modules are the folders of Interop that hold no Swift. One Swift room wraps each, and nobody else sees it.
    static func foreignModules(in sources: [SwiftSource], modules: Set<String>) -> [Violation] {
        var owners: [String: Set<String>] = [:]
        var found: [Violation] = []
        for source in sources {
            for (module, access, position) in source.imports where modules.contains(module) {
                owners[module, default: []].insert(source.path.split(separator: "/").dropLast().joined(separator: "/"))
                if source.layer != "Interop" { found.append(source.violation(at: position, "imports \(module): C lives only in Sources/Interop; use its Swift owner")) }
                if access != "private" && access != "internal" { found.append(source.violation(at: position, "imports \(module) for others to see; make it private")) }
            }
            // A test may ask its own process what is loaded in it.
            let opening: Set = source.path.hasPrefix("Tests/") ? ["dlopen", "dlclose"] : ["dlopen", "dlsym", "dlclose"]
            for word in source.words where opening.contains(word.text) && source.layer != "Interop" {
                found.append(source.violation(at: word.range.lowerBound, "\(word.text): native libraries are opened only in Sources/Interop"))
            }
        }
        for (module, rooms) in owners.sorted(by: { $0.key < $1.key }) where rooms.count > 1 {
            found.append(Violation(path: rooms.sorted().joined(separator: ", "), message: "each imports \(module); one Swift room owns a C module"))
        }
        return found
    }

    static func foreignFiles(in paths: [String]) -> [Violation] {
        let endings = [".c", ".cc", ".cpp", ".h", ".hpp", ".m", ".s", ".S", ".modulemap"]
        return paths.filter { path in !path.hasPrefix("Sources/Interop/") && endings.contains(where: path.hasSuffix) }.map {
            Violation(path: $0, message: "C lives only in Sources/Interop")
        }
    }

    /// The C library of the system is for those who touch the world; elsewhere each use is listed with its reason.
    static let systemC: Set = ["Glibc", "Musl", "Darwin", "Android", "Bionic", "WinSDK"]

    /// A file of Primitives or Domain, the system modules it may import, and what for.
    struct Exception {
        var path: String
        var modules: Set<String>
        var reason: String
    }

    static let exceptions = [
        Exception(path: "Sources/Primitives/StrictJSON.swift", modules: ["Foundation"], reason: "the JSON encoder"),
        Exception(path: "Sources/Domain/Contracts/JSONCursor.swift", modules: systemC, reason: "strtod, which gives the same number for the same digits"),
        Exception(path: "Sources/Domain/Evidence/Signing/Keys.swift", modules: ["Foundation"], reason: "base64"),
        Exception(path: "Sources/Domain/Signals/Performance/Logarithm.swift", modules: systemC, reason: "log"),
        Exception(path: "Sources/Domain/Guardrails/Sequential/Logarithms.swift", modules: systemC, reason: "log, log1p and exp"),
    ]

    /// Primitives and Domain import one another and Crypto; anything else could wait, read a clock or touch a file.
    static func outsideModules(in sources: [SwiftSource], rooms: Set<String>, exceptions: [Exception]) -> [Violation] {
        var found: [Violation] = []
        var used: Set<String> = []
        for source in sources where ["Primitives", "Domain"].contains(source.layer) {
            for (module, _, position) in source.imports where !rooms.contains(module) && module != "Crypto" {
                if exceptions.contains(where: { $0.path == source.path && $0.modules.contains(module) }) {
                    used.insert(source.path)
                } else {
                    found.append(source.violation(at: position, "imports \(module): decisions are values; move what needs it to an adapter or a service"))
                }
            }
        }
        for source in sources where ["Ports", "Services"].contains(source.layer) {
            for (module, _, position) in source.imports where systemC.contains(module) {
                found.append(source.violation(at: position, "imports \(module): calls to the system belong in an adapter"))
            }
        }
        for exception in exceptions where !used.contains(exception.path) {
            found.append(Violation(path: exception.path, message: "needs its exception (\(exception.reason)) no longer; take it off the list"))
        }
        return found
    }

    private static let worldly: [String: Set<String>] = [
        "waits": ["await", "async", "actor", "Task", "TaskGroup", "AsyncStream", "AsyncSequence", "withCheckedContinuation", "sleep", "usleep"],
        "reads a clock": [
            "Date", "ContinuousClock", "SuspendingClock", "UTCClock", "DispatchTime", "CFAbsoluteTimeGetCurrent", "clock_gettime", "gettimeofday", "mach_absolute_time", "timespec",
        ],
        "logs": ["Logger", "print", "debugPrint", "NSLog", "os_log", "stdout", "stderr"],
        "locks": ["Mutex", "Atomic", "NSLock", "NSRecursiveLock", "OSAllocatedUnfairLock", "ManagedAtomic", "DispatchQueue", "DispatchSemaphore", "pthread_mutex_t", "Thread"],
        "does I/O": [
            "FileManager", "FileHandle", "Process", "ProcessInfo", "CommandLine", "URLSession", "InputStream", "OutputStream", "Bundle", "UserDefaults", "getenv",
            "fopen",
            "contentsOfFile", "atPath", "socket", "mmap",
        ],
        "draws at random": ["SystemRandomNumberGenerator", "UUID", "arc4random", "getentropy"],
    ]

    private static let verbs = Dictionary(worldly.flatMap { verb, words in words.map { ($0, verb) } }, uniquingKeysWith: { first, _ in first })

    /// Words that make a decision depend on more than what it is given.
    static func worldlyWords(in sources: [SwiftSource]) -> [Violation] {
        var found: [Violation] = []
        for source in sources where ["Primitives", "Domain"].contains(source.layer) {
            for (index, word) in source.words.enumerated() {
                let next = index + 1 < source.words.count ? source.words[index + 1].text : ""
                let verb: String? =
                    switch word.text {
                    case "now" where source.before(word) == UInt8(ascii: "."): "reads a clock"
                    case "Data" where next == "contentsOf", "String" where next == "contentsOf", "NSData" where next == "contentsOf": "does I/O"
                    case "write" where source.before(word) == UInt8(ascii: ".") && (next == "to" || next == "toFile"): "does I/O"
                    // An import is judged by its module.
                    default: index > 0 && source.words[index - 1].text == "import" ? nil : verbs[word.text]
                    }
                if let verb { found.append(source.violation(at: word.range.lowerBound, "'\(word.text)' \(verb), and \(source.layer) only decides; take it as a parameter")) }
            }
        }
        return found
    }
}
