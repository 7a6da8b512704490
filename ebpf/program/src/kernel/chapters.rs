//! The chapters of a packet's story as global functions, which the verifier follows one by one.

use super::{Frame, Tables};
use aya_ebpf::bindings::__sk_buff;
use program::Chapter;

/// Declares a function for each chapter. It returns zero, or not if the packet is dropped: then the reason is in the
/// working memory.
macro_rules! chapters {
    ($($function:ident: $chapter:ident,)+) => {
        /// Tells a chapter by its function.
        #[inline(always)]
        pub(super) fn call(chapter: Chapter, skb: *mut __sk_buff) -> i32 {
            match chapter {
                $(Chapter::$chapter => $function(skb),)+
            }
        }

        $(
            #[unsafe(no_mangle)]
            #[inline(never)]
            extern "C" fn $function(skb: *mut __sk_buff) -> i32 {
                told(Chapter::$chapter, skb)
            }
        )+
    };
}

chapters! {
    read: Read,
    neighbour: Neighbour,
    serve: Serve,
    serve_error: ServeError,
    admit: Admit,
    judge: Judge,
    admit_error: AdmitError,
    answer: Answer,
    answer_error: AnswerError,
    error_to_itself: ErrorToItself,
    address: Address,
    refuse: Refuse,
    depart: Depart,
    arrive: Arrive,
}

#[inline(always)]
fn told(chapter: Chapter, skb: *mut __sk_buff) -> i32 {
    let mut frame = Frame::in_chapter(skb);
    let Some(scratch) = Tables::scratch() else {
        return 1;
    };
    match program::tell(chapter, &Tables, &mut frame, scratch) {
        Ok(()) => 0,
        Err(reason) => {
            scratch.set_reason(reason);
            1
        }
    }
}
