//! The process itself: which program it is, since when it runs, what it holds.

use std::time::{SystemTime, UNIX_EPOCH};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

use super::kinds::{Gauge, Seconds, gauge, set};

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByVersion {
    version: &'static str,
}

/// The numbers of the process.
pub struct ProcessNumbers {
    memory: Gauge,
    descriptors: Gauge,
}

impl ProcessNumbers {
    /// The process as it begins.
    pub fn new(r: &mut Registry) -> Self {
        let version = env!("CARGO_PKG_VERSION");
        let itself = Family::<ByVersion, Gauge>::default();
        itself.get_or_create(&ByVersion { version }).set(1);
        r.register("baowen_build_info", "The program's version", itself);
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        let started = Seconds::default();
        started.set(since.map_or(0.0, |since| since.as_secs_f64()));
        r.register(
            "process_start_time_seconds",
            "When the process began, since 1970",
            started,
        );
        ProcessNumbers {
            memory: gauge(
                r,
                "process_resident_memory_bytes",
                "Memory of the process that is in use, mapped files included",
            ),
            descriptors: gauge(r, "process_open_fds", "Descriptors that are open"),
        }
    }

    /// Says how it is now.
    pub fn set(&self) {
        set(&self.memory, resident().unwrap_or(0));
        let descriptors = std::fs::read_dir("/proc/self/fd");
        set(
            &self.descriptors,
            descriptors.map_or(0, |entries| entries.count() as u64),
        );
    }
}

/// Bytes of memory in use, where the system says so.
fn resident() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}
