// Every kernel, in the order a frame meets them.
#pragma once

#include "kernels/anatomical_filter.h"  // the anatomical region of every candidate
#include "kernels/box_decode.h"         // boxes from a detection head
#include "kernels/box_fusion.h"         // one box from several networks' boxes
#include "kernels/centreline.h"         // skeleton of a mask, with its local radius
#include "kernels/min_projection.h"     // running minimum over the frames of a run
#include "kernels/nms.h"                // greedy non-maximum suppression
#include "kernels/soft_nms.h"           // the same, by decaying scores
