//! Captures in which each packet carries its verdict, in the pcapng format that Wireshark and `tshark` read
//! (draft-ietf-opsawg-pcapng, section 4.3 for the options of packets).

use jiff::Timestamp;
use pcap_file::DataLink;
use pcap_file::pcapng::PcapNgWriter;
use pcap_file::pcapng::blocks::enhanced_packet::{EnhancedPacketBlock, EnhancedPacketOption};
use pcap_file::pcapng::blocks::interface_description::{
    InterfaceDescriptionBlock, InterfaceDescriptionOption, InterfaceTsResolution,
};
use pcap_file::pcapng::blocks::opt_common::{CommonOption, UnknownOption};
use std::borrow::Cow;
use std::collections::HashMap;
use std::io::{self, Write};
use std::time::Duration;

/// A packet on its way, seen at one interface.
#[derive(Clone, Debug)]
pub struct Captured {
    /// The end whose interface it is, for example `shop/web`.
    pub interface: String,
    /// When it was seen.
    pub time: Timestamp,
    /// Whether the end received it; otherwise the end sent it.
    pub is_inbound: bool,
    /// The same wherever this packet is seen.
    pub packet: u64,
    /// From its Ethernet header on.
    pub frame: Vec<u8>,
    /// What became of it.
    pub fate: PacketFate,
    /// Who says so; empty where nobody has to.
    pub comment: String,
}

/// What the program at a pod's link did with a packet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PacketFate {
    /// It was handed on.
    Passed,
    /// It was dropped.
    Dropped,
    /// It crossed no program.
    Unseen,
}

/// Writes a capture: an interface for each end, named after it, and its packets with what became of them.
pub struct CaptureWriter<W: Write> {
    writer: PcapNgWriter<W>,
    interfaces: HashMap<String, u32>,
}

impl<W: Write> CaptureWriter<W> {
    /// Longer frames are cut by whoever captures them.
    const SNAPLEN: u32 = 65_535;

    /// Begins a capture.
    ///
    /// # Errors
    /// When `writer` cannot be written to.
    pub fn new(writer: W) -> io::Result<Self> {
        Ok(Self {
            writer: PcapNgWriter::new(writer).map_err(io::Error::other)?,
            interfaces: HashMap::new(),
        })
    }

    /// Writes a packet, and before it its interface if it is a new one.
    ///
    /// # Errors
    /// When the writer cannot be written to, or the packet's time is before 1970.
    pub fn write(&mut self, captured: &Captured) -> io::Result<()> {
        let interface_id = self.interface(&captured.interface)?;
        let since_epoch = captured.time.as_nanosecond();
        let nanoseconds = u64::try_from(since_epoch).map_err(io::Error::other)?;
        let original_len = u32::try_from(captured.frame.len()).map_err(io::Error::other)?;
        let block = EnhancedPacketBlock {
            interface_id,
            timestamp: Duration::from_nanos(nanoseconds),
            original_len,
            data: Cow::Borrowed(&captured.frame),
            options: options(captured),
        };
        let written = self.writer.write_pcapng_block(block);
        written.map(drop).map_err(io::Error::other)
    }

    /// The number of an interface.
    fn interface(&mut self, name: &str) -> io::Result<u32> {
        if let Some(number) = self.interfaces.get(name) {
            return Ok(*number);
        }
        let number = u32::try_from(self.interfaces.len()).map_err(io::Error::other)?;
        let mut block = InterfaceDescriptionBlock::new(DataLink::ETHERNET, Self::SNAPLEN);
        block.options = vec![
            InterfaceDescriptionOption::IfName(Cow::Borrowed(name)),
            InterfaceDescriptionOption::IfTsResol(InterfaceTsResolution::NANO),
        ];
        let written = self.writer.write_pcapng_block(block);
        written.map_err(io::Error::other)?;
        self.interfaces.insert(name.to_owned(), number);
        Ok(number)
    }
}

fn options(captured: &Captured) -> Vec<EnhancedPacketOption<'_>> {
    const INBOUND: u32 = 1;
    const OUTBOUND: u32 = 2;
    let direction = if captured.is_inbound {
        INBOUND
    } else {
        OUTBOUND
    };
    let mut options = vec![
        EnhancedPacketOption::Flags(direction),
        unknown(PACKET_ID, captured.packet.to_ne_bytes().to_vec()),
    ];
    options.extend(verdict(captured.fate).map(|value| unknown(VERDICT, value)));
    if !captured.comment.is_empty() {
        let comment = Cow::Borrowed(captured.comment.as_str());
        options.push(EnhancedPacketOption::Common(CommonOption::Comment(comment)));
    }
    options
}

/// `epb_packetid`: eight bytes, the same number wherever the packet is seen.
const PACKET_ID: u16 = 5;
/// `epb_verdict`: a byte for who gave it, and the verdict in that one's words.
const VERDICT: u16 = 7;

fn unknown(code: u16, value: Vec<u8>) -> EnhancedPacketOption<'static> {
    let value = Cow::Owned(value);
    EnhancedPacketOption::Common(CommonOption::Unknown(UnknownOption { code, value }))
}

/// The verdict of a Linux traffic control program: its return value, eight bytes (`TC_ACT_OK`, `TC_ACT_SHOT`).
fn verdict(fate: PacketFate) -> Option<Vec<u8>> {
    const LINUX_TC: u8 = 1;
    const OK: u64 = 0;
    const SHOT: u64 = 2;
    let action = match fate {
        PacketFate::Passed => OK,
        PacketFate::Dropped => SHOT,
        PacketFate::Unseen => return None,
    };
    let mut value = vec![LINUX_TC];
    value.extend(action.to_ne_bytes());
    Some(value)
}
